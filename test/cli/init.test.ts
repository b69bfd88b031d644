import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/run.ts";
import { loadConfig, readEnvironment } from "../../src/config.ts";
import { checkUnits } from "../../src/tasks/checks/index.ts";
import { taskNames } from "../../src/tasks/index.ts";
import { type TestDatabase, testDatabase } from "../servers/postgres.ts";
import { checkout, serve } from "./shop.ts";
import { runCli } from "./terminal.ts";

let folder: string;
let web: Awaited<ReturnType<typeof serve>>;
let database: TestDatabase;
let repository: string;
const written = () => join(folder, "steward.yml");
/** In this process, and in words only: nobody sits at the terminal. */
async function init(...args: string[]) {
  const said: string[] = [];
  const hear = (text: string) => void said.push(text);
  const [input, output] = [new PassThrough(), new PassThrough()];
  const terminal = { write: hear, complain: hear, interactive: false, input, output };
  const code = await runCommand(["init", "--output", written(), ...args], terminal);
  return { code, said: said.join("") };
}
const load = (variables: Record<string, string> = {}) =>
  loadConfig(readEnvironment({ STEWARD_CONFIG: written(), ...variables }), {
    checks: checkUnits(),
    tasks: taskNames(),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "steward-init-"));
  [web, database, repository] = await Promise.all([
    serve({
      "/": { body: "<h1>shop</h1>" },
      "/health": { body: '{"status":"UP","build":{"version":"2.3.4"}}' },
    }),
    testDatabase("init"),
    checkout(folder, ["v1.9.0", "v1.10.0", "nightly"], {
      "package.json": '{"scripts":{"test":"true","migrate":"true"}}',
      "package-lock.json": "{}",
      "migrations/1.sql": "",
    }),
  ]);
});
beforeEach(() => rm(written(), { force: true }));
afterAll(async () => {
  await Promise.all([web?.stop(), database?.drop()]);
  await rm(folder, { recursive: true, force: true });
});

describe("steward init", () => {
  it("writes a config of what it found, which loads and observes", async () => {
    const { code, out } = await runCli(
      ["init", "--url", `${web.url}/health`, "--repository", repository, "--database", "env:SHOP_URL"],
      {
        cwd: folder,
        env: { SHOP_URL: database.url },
      },
    );
    expect(code).toBe(0);
    expect(out).toContain(`Wrote ${written()}`);
    expect(out).toMatch(/database +Postgres \d+/);
    const [shop] = (await load({ SHOP_URL: database.url })).services;
    expect(shop).toMatchObject({
      id: "shop",
      observe: true,
      health: { url: `${web.url}/health`, status: 200, json: { status: "UP" }, version: "build.version" },
      repository: { path: repository, remote: "origin", tag: "v{version}", migrations: "migrations" },
      database: { url: database.url },
      commands: { install: ["npm", "ci"] },
    });
    const text = await readFile(written(), "utf8");
    expect(text).toContain("newest: 1.10.0");
    expect(text).toContain("# migrate: [ npm, run, migrate ]");
    expect(text).toContain("url: { env: SHOP_URL }");
  });

  it("writes a config that loads for a URL alone, and for one that does not answer", async () => {
    const { code, said } = await init("--url", "http://127.0.0.1:1/", "--name", "shop");
    expect(code).toBe(0);
    expect(said).toContain("connection refused");
    expect((await load()).services).toMatchObject([
      { id: "shop", observe: true, health: { url: "http://127.0.0.1:1/" } },
    ]);
  });

  it("finds the health page behind a front door", async () => {
    await init("--url", web.url, "--name", "shop");
    expect((await load()).services[0]?.health?.url).toBe(`${web.url}/health`);
  });

  it("uses a password and never writes or says it", async () => {
    const given = "postgres://shop:hunter2hunter2@127.0.0.1:1/shop";
    const { code, out, err } = await runCli(
      ["init", "--url", web.url, "--name", "big-shop", "--database", given],
      { cwd: folder },
    );
    expect(code).toBe(0);
    expect(out + err + (await readFile(written(), "utf8"))).not.toContain("hunter2");
    expect(out).toContain("Set BIG_SHOP_DATABASE_URL");
    expect((await load({ BIG_SHOP_DATABASE_URL: given })).services[0]?.database?.url).toBe(given);
  });

  it("writes over nothing without --force", async () => {
    await writeFile(written(), "mine\n");
    const refused = await init("--url", web.url);
    expect(refused.code).toBe(1);
    expect(refused.said).toContain("is there already");
    expect(await readFile(written(), "utf8")).toBe("mine\n");
    expect((await init("--url", web.url, "--force")).code).toBe(0);
    expect((await load()).services).toHaveLength(1);
  });

  it.each([
    [[], "init needs the service's --url"],
    [["--url", "localhost:8000"], "--url wants a URL"],
    [["--url", "http://u:hunter2@h/"], "--url wants a URL"],
    [["--url", "http://127.0.0.1:1/", "--database", "mysql://h/d"], "--database wants a URL"],
    [["--url", "http://127.0.0.1:1/", "--name", "../../etc"], "'../../etc' is no service's name"],
    [["--url", "http://127.0.0.1:1/", "--repository", "/"], "/ is no git checkout"],
  ])("refuses what it cannot use, exit 2: %j", async (args, said) => {
    const { code, said: told } = await init(...args);
    expect(code).toBe(2);
    expect(told).toContain(said);
    expect(told).not.toContain("hunter2");
    expect(existsSync(written())).toBe(false);
  });

  it("asks at a terminal for what was not given", async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const answers = [`${web.url}/health`, repository, "", "corner-shop"];
    output.on("data", (chunk: Buffer) => {
      if (String(chunk).endsWith("> ")) input.write(`${answers.shift()}\n`);
    });
    const said: string[] = [];
    const hear = (text: string) => void said.push(text);
    const terminal = { write: hear, complain: hear, interactive: true, input, output };
    const code = await runCommand(["init", "--output", written()], terminal);
    expect(said.join("")).toContain("Looked at corner-shop");
    expect(code).toBe(0);
    expect((await load()).services[0]?.id).toBe("corner-shop");
  });
});
