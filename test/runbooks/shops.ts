/** Real services under a replica's care: a repository, a database and a process each, changed by the real runbooks. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { type Config, parseConfig, readEnvironment } from "../../src/config.ts";
import { openJournal, transaction } from "../../src/journal/database.ts";
import { startQueue } from "../../src/journal/queue.ts";
import { loadRun } from "../../src/journal/runs.ts";
import type { Run, RunState } from "../../src/journal/types.ts";
import { silentLog } from "../../src/log.ts";
import { createRedact } from "../../src/redact.ts";
import { runbooks } from "../../src/runbooks/index.ts";
import { decideApproval, decideStuck, requestRun } from "../../src/runbooks/requests.ts";
import type { RunbookContext } from "../../src/runbooks/runbook.ts";
import { startRunbookWorkers } from "../../src/runbooks/supervise.ts";
import { localHost } from "../../src/targets/host.ts";
import { checkUnits } from "../../src/tasks/checks/index.ts";
import { measureService } from "../../src/tasks/checks/measure.ts";
import { testDatabase, testServer } from "../servers/postgres.ts";
import { freePort } from "../servers/run.ts";
import { type ShopDatabase, shopDatabase } from "../targets/shop-database.ts";
import { type ShopRepository, shopRepository } from "../targets/shop-repository.ts";
import { BEA, OLGA } from "./house.ts";

export interface Shop {
  id: string;
  repository: ShopRepository;
  database: ShopDatabase;
  /** what the process serves */
  serves(): Promise<{ version: string; status: string }>;
  orders(): Promise<number>;
  /** the installs and starts that there were, oldest first */
  deeds(): Promise<string[]>;
  ask(runbook: string, version?: string, args?: Record<string, string>): Promise<number>;
  /** asks, approves as another person, and waits for the end or a decision */
  run(runbook: string, version?: string, args?: Record<string, string>): Promise<Run>;
  close(): Promise<void>;
}

export interface Shops {
  context: RunbookContext;
  /** programs that the host finds; null: all of them */
  narrowPath(programs: string[] | null): Promise<void>;
  shop(change?: Record<string, unknown>): Promise<Shop>;
  until(id: number, states: RunState[]): Promise<Run>;
  decide(id: number, choice: "retry" | "skip" | "undo" | "abandon"): Promise<Run>;
  close(): Promise<void>;
}

const ENDED: RunState[] = ["succeeded", "failed", "undone", "cancelled", "void", "needs_decision"];

const SERVER = `
const { readFileSync } = require("node:fs");
const release = JSON.parse(readFileSync("release.json", "utf8"));
require("node:http").createServer((_, response) => response.end(JSON.stringify(release))).listen(process.env.PORT, "127.0.0.1");
`;
const INSTALL = `
const fs = require("node:fs");
const { version, install } = JSON.parse(fs.readFileSync("release.json", "utf8"));
fs.appendFileSync(process.env.DEEDS, "install " + version + "\\n");
if (install === "fails") { console.error("no such package"); process.exit(1); }
`;
const MIGRATE = `
const { readdirSync, readFileSync } = require("node:fs");
const { Client } = require("pg");
(async () => {
  const client = new Client({ connectionString: process.env.ADMIN_URL });
  await client.connect();
  await client.query("create table if not exists migrations (name text primary key)");
  for (const name of readdirSync("migrations").sort()) {
    const { rowCount } = await client.query("insert into migrations values ($1) on conflict do nothing", [name]);
    if (rowCount) for (const sql of readFileSync("migrations/" + name, "utf8").split(";")) await client.query(sql);
  }
  await client.end();
})().catch((error) => { console.error(error.message); process.exit(1); });
`;
/** As a service manager would: ends the old process, starts the new one, and waits until it listens. */
const RESTART = `
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require("node:fs");
const { spawn } = require("node:child_process");
const alive = (pid) => { try { process.kill(pid, 0); return true; } catch { return false; } };
(async () => {
  const file = process.env.DEEDS + ".pid";
  if (existsSync(file)) {
    const pid = Number(readFileSync(file, "utf8"));
    if (alive(pid)) process.kill(pid, "SIGTERM");
    while (alive(pid)) await new Promise((done) => setTimeout(done, 10));
  }
  if (process.argv[2] === "stop") return;
  const child = spawn(process.execPath, ["server.cjs"], { detached: true, stdio: "ignore", cwd: process.env.CHECKOUT });
  writeFileSync(file, String(child.pid));
  child.unref();
  for (let tries = 0; tries < 500; tries += 1) {
    const answer = await fetch("http://127.0.0.1:" + process.env.PORT).then((one) => one.json(), () => null);
    if (answer) return appendFileSync(process.env.DEEDS, "start " + answer.version + "\\n");
    await new Promise((done) => setTimeout(done, 10));
  }
  process.exit(1);
})();
`;

export async function openShops(): Promise<Shops> {
  const journalDatabase = await testDatabase("shops");
  const folder = await mkdtemp(join(tmpdir(), "steward-shops-"));
  const problems: Error[] = [];
  const journal = await openJournal(journalDatabase.url, (error) => problems.push(error));
  const queue = await startQueue(journalDatabase.url, (error) => problems.push(error));
  const config: Config = configWith(folder, {}, {});
  const redact = createRedact(config.secrets);
  const { clientFolder } = await testServer();
  const whole = [clientFolder, process.env.PATH].filter(Boolean).join(":");
  let path = whole;
  const host = () => localHost({ redact, environment: { PATH: path, HOME: folder } });
  const context: RunbookContext = {
    journal,
    queue,
    config,
    log: silentLog,
    redact,
    mirrors: join(folder, "mirrors"),
    host,
    measure: (service, only) => measureService(service, { hostOf: host }, only ? { only } : {}),
    asOfNow: async (actor) => actor,
    runbooks,
  };
  const workers = await startRunbookWorkers(context);
  const opened: Shop[] = [];
  const until: Shops["until"] = async (id, states) => {
    await expect
      .poll(async () => states.includes((await loadRun(journal, id))!.state), {
        timeout: 25_000,
        interval: 25,
      })
      .toBe(true);
    return (await loadRun(journal, id))!;
  };
  return {
    context,
    until,
    async narrowPath(programs) {
      path = whole;
      if (!programs) return;
      const bin = await mkdtemp(join(folder, "bin-"));
      for (const program of programs) {
        const { stdout } = await promisify(execFile)("/bin/sh", ["-c", 'command -v "$1"', "sh", program]);
        await symlink(stdout.trim(), join(bin, program));
      }
      path = bin;
    },
    async shop(change = {}) {
      const shop = await createShop(`shop${opened.length + 1}`, folder, change, context, until);
      opened.push(shop);
      return shop;
    },
    decide: (runId, choice) =>
      transaction(journal, (tx) => decideStuck(context, tx, { runId, actor: OLGA, choice })),
    async close() {
      await workers.stop();
      await queue.stop(5_000);
      await journal.close();
      await Promise.all(opened.map((shop) => shop.close()));
      await journalDatabase.drop();
      await rm(folder, { recursive: true, force: true });
      expect(problems).toEqual([]);
    },
  };
}

async function createShop(
  id: string,
  folder: string,
  change: Record<string, unknown>,
  context: RunbookContext,
  until: Shops["until"],
): Promise<Shop> {
  const [repository, database, port] = await Promise.all([
    shopRepository("v{version}", createReleases),
    shopDatabase(id),
    freePort(),
  ]);
  const home = join(folder, id);
  const deeds = join(home, "deeds");
  await mkdir(home);
  await writeFile(deeds, "");
  await writeFile(join(home, "restart.cjs"), RESTART);
  const path = repository.repository.path;
  const variables = { SHOP_URL: database.appUrl, ADMIN_URL: database.ownerUrl };
  const restart = [process.execPath, join(home, "restart.cjs")];
  const declared = configWith(
    folder,
    {
      [id]: {
        repository: { path, migrations: "migrations" },
        database: { url: { env: "SHOP_URL" }, admin: { env: "ADMIN_URL" } },
        health: { url: `http://127.0.0.1:${port}/`, json: { status: "healthy" }, version: "version" },
        checks: [{ type: "http" }, { type: "version" }, { type: "postgres" }],
        commands: {
          install: [process.execPath, "install.cjs"],
          migrate: [process.execPath, "migrate.cjs"],
          restart,
        },
        environment: {
          PORT: String(port),
          DEEDS: deeds,
          CHECKOUT: path,
          ADMIN_URL: { env: "ADMIN_URL" },
          NODE_PATH: join(import.meta.dirname, "../../node_modules"),
        },
        runbooks: {
          update: { good: 2, goodEvery: "20ms", goodWithin: "500ms" },
          rollback: { good: 2, goodEvery: "20ms", goodWithin: "500ms" },
        },
        ...change,
      },
    },
    variables,
  );
  const service = declared.services[0]!;
  context.config.services.push(service);
  const command = async (...more: string[]) => {
    const result = await context
      .host(service)
      .run([...restart, ...more], { timeoutMs: 10_000, env: service.environment });
    expect(result).toMatchObject({ exitCode: 0 });
  };
  await command();
  const ask = (runbook: string, version?: string, args: Record<string, string> = {}) =>
    transaction(context.journal, (tx) =>
      requestRun(context, tx, {
        runbook,
        service: id,
        args: version === undefined ? args : { ...args, version },
        actor: OLGA,
        channel: "ops",
        intentId: null,
      }),
    );
  return {
    id,
    repository,
    database,
    ask,
    serves: async () =>
      (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as { version: string; status: string },
    orders: async () =>
      Number((await database.as(database.ownerUrl, "select count(*)::int as n from orders"))[0]!.n),
    deeds: async () => (await readFile(deeds, "utf8")).split("\n").filter(Boolean),
    async run(runbook, version, args) {
      const runId = await ask(runbook, version, args);
      const planned = await until(runId, ["awaiting_approval", "void"]);
      if (planned.state === "void") return planned;
      await transaction(context.journal, (tx) =>
        decideApproval(context, tx, {
          runId,
          planHash: planned.planHash!,
          actor: BEA,
          decision: "approve",
          reason: null,
        }),
      );
      return await until(runId, ENDED);
    },
    async close() {
      await command("stop");
      await database.close();
      await repository.close();
    },
  };
}

/** 2.0.0 runs; 2.0.1 is code alone, 2.1.0 migrates, 2.2.0 says itself that it is not well, 2.3.0 cannot be installed, 2.4.0's migration breaks off. */
async function createReleases({ commit, checkout }: ShopRepository): Promise<void> {
  const release = (version: string, more: object = {}) => ({
    "release.json": JSON.stringify({ version, status: "healthy", ...more }),
  });
  const programs = { "server.cjs": SERVER, "install.cjs": INSTALL, "migrate.cjs": MIGRATE };
  await commit("Begin", { ...programs, ...release("2.0.0"), "migrations/001.sql": "select 1" }, "v2.0.0");
  await commit("Code alone", release("2.0.1"), "v2.0.1");
  const codes = "create table codes (code text); insert into codes values ('HELLO')";
  await commit("Codes", { ...release("2.1.0"), "migrations/002.sql": codes }, "v2.1.0");
  const ratings = "alter table orders add column rating int";
  const unwell = release("2.2.0", { status: "unhealthy" });
  await commit("Ratings", { ...unwell, "migrations/003.sql": ratings }, "v2.2.0");
  await commit("Broken install", release("2.3.0", { install: "fails" }), "v2.3.0");
  const broken = "delete from orders where id > 5; select no_such_column";
  await commit("Broken migration", { ...release("2.4.0"), "migrations/004.sql": broken }, "v2.4.0");
  await checkout("fetch", "--quiet", "--tags");
  await checkout("checkout", "--quiet", "--detach", "v2.0.0");
}

function configWith(
  home: string,
  services: Record<string, unknown>,
  variables: Record<string, string>,
): Config {
  return parseConfig(
    {
      slack: { channel: "ops", incidents: "incidents" },
      roles: { operator: { users: [OLGA.id] }, approver: { users: [BEA.id] } },
      services,
    },
    { ...readEnvironment(variables), home },
    { checks: checkUnits(), tasks: ["health"] },
  );
}
