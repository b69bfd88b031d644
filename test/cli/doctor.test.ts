import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { examine } from "../../src/cli/doctor/examine.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { openJournal } from "../../src/journal/database.ts";
import { startSlack } from "../../src/sandbox/slack/server.ts";
import type { SlackStandIn } from "../../src/sandbox/slack/stand-in.ts";
import { type TestDatabase, testDatabase, testServer } from "../servers/postgres.ts";
import { sshServer } from "../servers/sshd.ts";
import { declarationOf } from "../targets/ssh-shop.ts";
import { checkout, serve } from "./shop.ts";
import { runCli } from "./terminal.ts";

const SECRET = "hunter2hunter2";
const ROLE = `doctor_app_${process.pid}`;
let folder: string;
let slack: SlackStandIn;
let database: TestDatabase;
let journal: TestDatabase;
let web: Awaited<ReturnType<typeof serve>>;
let repository: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "steward-doctor-"));
  [slack, database, journal, web, repository] = await Promise.all([
    startSlack({ port: 0 }),
    testDatabase("doctor shop"),
    testDatabase("doctor journal"),
    serve({
      "/health": { body: '{"status":"healthy","version":"1.1.0"}' },
      "/ill": { status: 500, body: "ill" },
    }),
    checkout(folder, ["1.0.0", "1.1.0"]),
  ]);
  const { clientFolder } = await testServer();
  path = [...(clientFolder ? [clientFolder] : []), process.env.PATH].join(delimiter);
  await sql(
    database.url,
    `create role ${ROLE} login password '${SECRET}'`,
    `grant all on database "${database.name}" to ${ROLE}`,
  );
});

afterAll(async () => {
  await Promise.all([slack?.stop(), web?.stop(), database?.drop()]);
  await sql(journal.url, `drop role ${ROLE}`);
  await journal.drop();
  await rm(folder, { recursive: true, force: true });
});

describe("steward doctor", () => {
  it("finds nothing to complain of where all is well, and exits 0", async () => {
    const { code, out, err } = await runCli(["doctor", "--json"], {
      cwd: folder,
      env: await started(shopConfig()),
    });
    const found = JSON.parse(out) as Finding[];
    expect(found.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(code).toBe(0);
    expect(out + err).not.toContain(SECRET);
    expect(found.map(({ check }) => check)).toEqual([
      "Node",
      "Config",
      "Slack bot token",
      "Slack scopes",
      "Slack app token",
      "Channel #ops",
      "Channel #incidents",
      "Journal",
      "Home",
      "Backups",
      "shop repository",
      "shop commands",
      "shop database",
      "shop database tools",
      "shop http",
      "shop postgres",
      "Schedule health",
    ]);
    expect(one(found, "Journal").found).toMatch(/^Postgres \d+, schema will be made at start$/);
    expect(one(found, "shop repository").found).toContain("at 1.1.0; 2 releases tagged {version}");
    expect(one(found, "Schedule health").found).toMatch(/^next at .* 08:00:00 UTC$/);
  });

  it("changes nothing: neither the journal's database nor the service's, nor Slack", async () => {
    await look(shopConfig());
    const called = slack.apiCalls().map(({ method }) => method);
    expect(called).toContain("auth.test");
    expect(called.filter((method) => /^(chat|views|files)\.|\.join$/.test(method))).toEqual([]);
    expect(await sql(journal.url, "select 1 from pg_namespace where nspname = 'steward'")).toBe(0);
    const defaults =
      "select 1 from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where r.rolname";
    expect(await sql(database.url, `${defaults} = '${ROLE}'`)).toBe(0);
  });

  it("knows a journal that is up to date", async () => {
    const own = await testDatabase("doctor migrated");
    await (await openJournal(own.url, () => {})).close();
    const found = await look(shopConfig(), { DATABASE_URL: own.url });
    await own.drop();
    expect(one(found, "Journal").found).toMatch(/schema up to date$/);
  });

  it("looks at a service where it runs, over SSH too", async () => {
    const server = await sshServer();
    const config = shopConfig();
    const commands = { restart: ["sh", "-c", "true"], install: ["no-such-program-there"] };
    Object.assign(config.services.shop, { host: declarationOf(server), commands, checks: [{ type: "cpu" }] });
    const found = await look(config);
    expect(one(found, "shop host")).toMatchObject({ state: "ok" });
    expect(one(found, "shop repository").found).toContain("at 1.1.0; 2 releases tagged {version}");
    expect(one(found, "shop commands").found).toBe("no such program: install: 'no-such-program-there'");
    expect(one(found, "shop cpu").found).toMatch(/^cpu /);
    await server.stop();
    const gone = await look(config);
    expect(one(gone, "shop host")).toMatchObject({
      state: "problem",
      found: expect.stringContaining("refused"),
      advice: expect.stringContaining("sshd"),
    });
    expect(gone.some(({ check }) => check === "shop repository")).toBe(false);
  });

  it("names every trouble with what to do about it, and exits 1", async () => {
    const config = shopConfig();
    Object.assign(config.services.shop, {
      repository: { path: folder, tag: "{version}" },
      health: { url: `${web.url}/ill` },
      commands: { migrate: ["no-such-program-here", "x"], restart: ["/nowhere/restart"] },
    });
    config.slack.incidents = "#no-such-channel";
    const env = {
      SLACK_APP_TOKEN: slack.botToken,
      DATABASE_URL: `postgres://u:${SECRET}@127.0.0.1:1/x`,
    };
    const found = await look(config, env);
    expect(one(found, "Slack app token")).toMatchObject({
      state: "problem",
      found: "SLACK_APP_TOKEN does not begin with xapp-: it is a bot token",
    });
    expect(one(found, "Channel #no-such-channel").state).toBe("problem");
    expect(one(found, "Journal")).toMatchObject({
      state: "problem",
      found: expect.stringContaining("ECONNREFUSED"),
    });
    expect(one(found, "shop repository").state).toBe("problem");
    expect(one(found, "shop commands").found).toBe(
      "no such program: migrate: 'no-such-program-here'; restart: '/nowhere/restart'",
    );
    expect(one(found, "shop http")).toMatchObject({
      state: "problem",
      found: expect.stringContaining("500, expected 200"),
    });
    for (const { advice } of found.filter(({ state }) => state === "problem")) expect(advice).toBeTruthy();
    const { code, out } = await runCli(["doctor"], { cwd: folder, env: await started(config, env) });
    expect(code).toBe(1);
    expect(out).not.toContain(SECRET);
    expect(out).toMatch(/^problem {2}shop commands +no such program.*\n +> Install it/m);
    expect(out).toMatch(/\d problems?.*checks are ok\.\n$/);
  });

  it("says what an admin role may not do", async () => {
    const config = shopConfig();
    config.services.shop.database.admin = { env: "SHOP_URL" };
    const found = await look(config);
    expect(one(found, "shop database")).toMatchObject({
      state: "problem",
      found: `admin ${ROLE} may not put a backup in the database's place`,
    });
  });

  it("tells tokens that Slack refuses, and scopes that are missing", async () => {
    const found = await look(shopConfig(), { SLACK_BOT_TOKEN: "xoxb-not-ours-at-all" });
    expect(one(found, "Slack bot token")).toMatchObject({
      state: "problem",
      found: expect.stringContaining("does not know it"),
    });
    const poor = await startSlack({
      port: 0,
      scopes: ["commands", "chat:write", "channels:read", "connections:write"],
    });
    const again = await look(shopConfig(), { SLACK_API_URL: poor.apiUrl });
    await poor.stop();
    expect(one(again, "Slack scopes")).toMatchObject({
      state: "problem",
      found: expect.stringMatching(/^missing: .*users:read/),
    });
  });

  it("goes on as far as it can with a config that does not load, and shows all its problems", async () => {
    const found = await look({ slack: { channel: "#ops" }, services: { Shop: {} } });
    expect(one(found, "Config").found).toMatch(
      /2 problems:\n {2}slack\.incidents: missing[\s\S]*services\.Shop/,
    );
    expect(one(found, "Slack bot token").state).toBe("ok");
  });
});

function shopConfig() {
  return {
    slack: { channel: "#ops", incidents: "#incidents" },
    services: {
      shop: {
        repository: { path: repository, tag: "{version}", migrations: "migrations" },
        database: {
          url: { env: "SHOP_URL" },
          admin: { env: "SHOP_ADMIN_URL" },
          appRole: ROLE,
        } as Record<string, unknown>,
        health: { url: `${web.url}/health`, json: { status: "healthy" }, version: "version" },
        commands: { migrate: ["sh", "-c", "true"], restart: ["true"] },
        checks: [
          { type: "http", critical: 30, warning: 20 },
          { type: "postgres", warning: 99, critical: 100 },
        ],
      },
    },
    schedules: { health: { at: "0 0 8 * * *" } },
  };
}

/** What a person started with: a config, and this environment. */
async function started(config: object, env: Record<string, string> = {}): Promise<Record<string, string>> {
  const file = join(folder, "steward.yml");
  await writeFile(file, stringify(config));
  return {
    PATH: path,
    STEWARD_CONFIG: file,
    STEWARD_HOME: join(folder, "home"),
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_API_URL: slack.apiUrl,
    DATABASE_URL: journal.url,
    SHOP_URL: withRole(database.url, ROLE),
    SHOP_ADMIN_URL: database.url,
    ...env,
  };
}

async function look(config: object, env: Record<string, string> = {}): Promise<Finding[]> {
  return (await examine(await started(config, env))).findings;
}

function one(findings: Finding[], check: string): Finding {
  const found = findings.filter((finding) => finding.check === check);
  expect(found, `findings of ${check}`).toHaveLength(1);
  return found[0]!;
}

/** The same database as another role; the servers of tests let everyone in. */
function withRole(url: string, role: string): string {
  return url.replace(/:\/\/(?:[^@/]*@)?/, `://${role}:${SECRET}@`);
}

async function sql(url: string, ...statements: string[]): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let count = 0;
    for (const statement of statements) count = (await client.query(statement)).rowCount ?? 0;
    return count;
  } finally {
    await client.end();
  }
}
