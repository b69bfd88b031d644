import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../../src/journal/embedded.ts";
import { createDemo, type Demo } from "../../../src/sandbox/demo/demo.ts";
import { createRepository } from "../../../src/sandbox/demo/repository.ts";
import type { DemoStatus } from "../../../src/sandbox/demo/status.ts";
import { freePort, keep, runFolder, startTime } from "../../servers/run.ts";

const run = promisify(execFile);
const DEADLINE_MS = 15_000;

let home: string;
let port: number;
let postgres: EmbeddedPostgres;
let demo: Demo;

beforeAll(async () => {
  home = await mkdtemp(join(await runFolder(), "demo-"));
  port = await freePort();
  postgres = await startEmbeddedPostgres({ home, settings: { fsync: "off" } });
  await keep("demo-postgres", postgres.pid, { signal: "SIGQUIT", folders: [postgres.folder] });
  demo = await createDemo({ home, port, postgres, variables: process.env });
});

beforeEach(async () => {
  await demo.setFault("none");
  await keep("demo-shop", JSON.parse(await readFile(join(home, "demo", "shop.pid"), "utf8")).pid);
});

afterAll(async () => {
  await demo?.stop();
  await postgres?.stop();
  if (postgres) await rm(postgres.folder, { recursive: true, force: true });
});

test("the shop serves 1.0.0 with its first orders", async () => {
  expect(await (await fetch(`${demo.url}/health`)).json()).toEqual({ status: "healthy", version: "1.0.0" });
  expect(await demo.status()).toMatchObject({
    state: "healthy",
    version: "1.0.0",
    features: ["Orders"],
    orders: 40,
  });
  const page = await (await fetch(demo.url)).text();
  expect(page).toContain("Version 1.0.0");
  expect(page).not.toContain("Discount code");
});

test("commits and tags have the same hashes whoever makes them", async () => {
  const tags = ["1.0.0", "1.1.0", "1.2.0"];
  expect(
    await git(demo.checkout, "for-each-ref", "--format=%(objecttype) %(refname:short)", "refs/tags"),
  ).toBe(tags.map((tag) => `tag ${tag}`).join("\n"));
  const stranger = { ...process.env, TZ: "Asia/Tokyo", GIT_AUTHOR_NAME: "Somebody", GIT_DIR: "/nowhere" };
  const folder = await mkdtemp(join(home, "again-"));
  const again = await createRepository(folder, stranger);
  const hashes = await git(demo.checkout, "rev-parse", ...tags);
  expect(hashes.split("\n")).toHaveLength(3);
  expect(await git(again.checkout, "rev-parse", ...tags)).toBe(hashes);
});

test("an order is kept, also one placed by the page's form, and shown as plain text", async () => {
  const before = (await demo.status()).orders ?? 0;
  const response = await order({ item: "Oat milk", customer: "<b>Ada</b>", quantity: 2 });
  expect(response.status).toBe(201);
  expect(await response.json()).toMatchObject({ item: "Oat milk", quantity: 2 });
  const form = new URLSearchParams({ item: "Cold brew", customer: "Grace", quantity: "1" });
  expect((await fetch(`${demo.url}/orders`, { method: "POST", body: form, redirect: "manual" })).status).toBe(
    303,
  );
  expect((await demo.status()).orders).toBe(before + 2);
  expect(await (await fetch(demo.url)).text()).toContain("&lt;b&gt;Ada&lt;/b&gt;");
});

test.each([
  ["no JSON", "{", 400],
  ["no item", "{}", 400],
  ["null", "null", 400],
  ["too many", '{"item":"Oat milk","quantity":100}', 400],
  ["too long", JSON.stringify({ item: "x".repeat(20_000) }), 413],
])("a bad order is refused: %s", async (_, body, status) => {
  expect((await fetch(`${demo.url}/orders`, { method: "POST", body })).status).toBe(status);
});

test("the shop survives its connections being cut", async () => {
  await postgres.query(
    "shop",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_app'",
  );
  expect((await order({ item: "Oat milk" })).status).toBe(201);
});

test("orders are paused, and everything else works, while the owner holds writes off", async () => {
  await hold("ALTER ROLE shop_app IN DATABASE shop SET default_transaction_read_only = on");
  try {
    const response = await order({ item: "Oat milk" });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ error: "orders are paused for maintenance" });
    expect((await demo.status()).state).toBe("healthy");
  } finally {
    await hold("ALTER ROLE shop_app IN DATABASE shop RESET default_transaction_read_only");
  }
  expect((await order({ item: "Oat milk" })).status).toBe(201);
});

test("the shop's own role cannot change the schema", async () => {
  const drop = postgres.query("shop", "DROP TABLE orders", [], "shop_app");
  await expect(drop).rejects.toThrow(/must be owner/);
});

test("faults are seen and mended", async () => {
  expect((await demo.setFault("errors")).state).toBe("errors");
  expect((await fetch(`${demo.url}/health`)).status).toBe(500);
  expect((await demo.setFault("slow")).state).toBe("slow");
  expect((await demo.setFault("stop")).state).toBe("down");
  expect((await demo.setFault("none")).state).toBe("healthy");
});

test("the controller ends a whole shop, tells its status, and starts it once", async () => {
  await demo.start();
  const pid = await recordedPid();
  await demo.start();
  expect(await recordedPid()).toBe(pid);
  await control("restart");
  expect(await recordedPid()).not.toBe(pid);
  expect(startTime(pid)).toBeNull();
  await control("status");
  await control("stop");
  await expect(control("status")).rejects.toMatchObject({ code: 3 });
});

test("a shop that cannot start says why", async () => {
  await demo.stop();
  const settingsPath = join(home, "demo", "shop.json");
  const settings = await readFile(settingsPath, "utf8");
  await writeFile(settingsPath, settings.replace(`"PORT": "${port}"`, '"PORT": "1e9"'));
  await expect(demo.start()).rejects.toThrow(/RangeError|ERR_SOCKET_BAD_PORT/);
  await writeFile(settingsPath, settings);
  await demo.start();
});

test("1.1.0 brings discount codes, and 1.2.0 turns unhealthy after a good start", async () => {
  await deploy("1.1.0");
  expect(await demo.status()).toMatchObject({
    state: "healthy",
    version: "1.1.0",
    features: ["Orders", "Discount codes"],
  });
  const response = await order({ item: "Oat milk", code: " friends20 " });
  expect(await response.json()).toMatchObject({ discount_code: "FRIENDS20" });
  expect(await (await fetch(demo.url)).text()).toContain("Discount code");

  await deploy("1.2.0");
  expect(await demo.status()).toMatchObject({ state: "healthy", version: "1.2.0" });
  const bad = await until((status) => status.state === "unhealthy");
  expect(bad).toMatchObject({ version: "1.2.0", detail: expect.stringContaining("cache") });
  expect((await fetch(`${demo.url}/health`)).status).toBe(503);
  expect((await order({ item: "Oat milk" })).status).toBe(201);
});

test("a second start keeps what was there", async () => {
  await deploy("1.1.0");
  const orders = (await demo.status()).orders;
  const again = await createDemo({ home, port, postgres, variables: process.env });
  expect(await again.status()).toMatchObject({ version: "1.1.0", orders });
  expect(await git(demo.checkout, "describe", "--tags")).toBe("1.1.0");
});

async function deploy(version: string): Promise<void> {
  const options = { cwd: demo.checkout, env: { ...process.env, ...demo.environment } };
  await run("git", ["-C", demo.checkout, "checkout", "--quiet", version]);
  await run("npm", ["ci", "--offline", "--no-audit", "--no-fund"], options);
  await run(process.execPath, ["migrate.js"], options);
  await control("restart");
}

async function hold(sql: string): Promise<void> {
  await postgres.query("shop", sql, [], "shop_owner");
  const cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_app'";
  await postgres.query("shop", cut, [], "shop_owner");
}

async function control(action: "stop" | "restart" | "status"): Promise<void> {
  const [program = "", ...args] = demo.command(action);
  await run(program, args);
}

function order(body: unknown): Promise<Response> {
  return fetch(`${demo.url}/orders`, { method: "POST", body: JSON.stringify(body) });
}

async function until(good: (status: DemoStatus) => boolean): Promise<DemoStatus> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const status = await demo.status();
    if (good(status)) return status;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(status)}`);
  }
}

async function recordedPid(): Promise<number> {
  return JSON.parse(await readFile(join(home, "demo", "shop.pid"), "utf8")).pid;
}

async function git(folder: string, ...args: string[]): Promise<string> {
  return (await run("git", ["-C", folder, ...args])).stdout.trim();
}
