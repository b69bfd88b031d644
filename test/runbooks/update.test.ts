import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listAttempts } from "../../src/journal/attempts.ts";
import { listBackups, listReleases } from "../../src/journal/releases.ts";
import { listApprovals } from "../../src/journal/runs.ts";
import { releaseWrites, writesHeld } from "../../src/targets/database.ts";
import { readCheckout } from "../../src/targets/git.ts";
import { checkPart } from "../../src/targets/store.ts";
import { BEA, OLGA } from "./house.ts";
import { openShops, type Shop, type Shops } from "./shops.ts";

let shops: Shops;
let shop: Shop;
beforeAll(async () => {
  shops = await openShops();
});
afterAll(() => shops.close());
beforeEach(async () => {
  await shops.narrowPath(null);
});

async function newShop(): Promise<void> {
  shop = await shops.shop();
}
const journal = () => shops.context.journal;
const stepsOf = async (runId: number, direction: "do" | "undo" = "do") =>
  (await listAttempts(journal(), runId))
    .filter((attempt) => attempt.direction === direction)
    .map((attempt) => `${attempt.step} ${attempt.outcome}`);
const insert = () =>
  shop.database.as(shop.database.appUrl, "insert into orders select max(id) + 1, 'new' from orders");
const allIsAsBefore = async () => {
  expect(await shop.serves()).toMatchObject({ version: "2.0.0", status: "healthy" });
  expect(await readCheckout(shop.repository.repository)).toMatchObject({ version: "2.0.0", dirty: [] });
  expect(await writesHeld(shop.database.database)).toBe(false);
  expect(await shop.database.databases()).toHaveLength(1);
};

describe("an update", () => {
  beforeEach(newShop);
  test("brings code, dependencies and database to the new version, backed up before and recorded once with who and what", async () => {
    const run = await shop.run("update", "2.1.0");
    expect(run).toMatchObject({ state: "succeeded", error: null });
    expect(await shop.serves()).toMatchObject({ version: "2.1.0" });
    expect(await shop.database.as(shop.database.appUrl, "select * from codes")).toEqual([{ code: "HELLO" }]);
    await insert();
    expect(await stepsOf(run.id)).toEqual(
      [
        "hold-writes",
        "way-back",
        "backup",
        "checkout",
        "install",
        "migrate",
        "restart",
        "verify",
        "accept-writes",
        "record",
      ].map((step) => `${step} done`),
    );
    const releases = await listReleases(journal(), shop.id);
    expect(releases).toMatchObject([
      {
        version: "2.1.0",
        runId: run.id,
        notes: {
          runbook: "update",
          from: "2.0.0",
          requestedBy: OLGA.id,
          approvedBy: [BEA.id],
          migrations: ["migrations/002.sql"],
        },
      },
      { version: "2.0.0", runId: null, notes: { found: true } },
    ]);
    expect(releases[0]!.notes.commits).toEqual([
      expect.stringMatching(/ Codes$/),
      expect.stringMatching(/ Code alone$/),
    ]);
    expect(await listApprovals(journal(), run.id)).toHaveLength(1);

    const [backup] = await listBackups(journal(), shop.id);
    const manifest = JSON.parse(await readFile(join(backup!.location, "manifest.json"), "utf8"));
    expect(manifest).toEqual(backup!.manifest);
    expect(manifest).toMatchObject({ version: "2.0.0", writesHeld: true, rows: { "public.orders": 20 } });
    expect(manifest.parts.map((part: { name: string }) => part.name)).toEqual(["database", "application"]);
    for (const part of manifest.parts) expect(await checkPart(backup!.location, part)).toContain(part.file);
    expect(backup).toMatchObject({
      runId: run.id,
      bytes: manifest.parts.reduce((sum: number, part: { bytes: number }) => sum + part.bytes, 0),
    });
    expect((await listReleases(journal(), shop.id))[0]!.backupId).toBe(backup!.id);
    const said = (await listAttempts(journal(), run.id)).map((attempt) => attempt.output).join("");
    expect(said).not.toMatch(/p@ss|p%40ss/);
  });

  test("without a migration holds nobody's writes", async () => {
    const run = await shop.run("update", "2.0.1");
    expect(run.state).toBe("succeeded");
    const steps = await stepsOf(run.id);
    expect(steps).toEqual(
      ["way-back", "backup", "checkout", "install", "restart", "verify", "record"].map(
        (step) => `${step} done`,
      ),
    );
    expect((await listBackups(journal(), shop.id))[0]!.manifest.writesHeld).toBe(false);
  });
});

describe("an update that cannot be", () => {
  beforeEach(newShop);
  const refused = async (version?: string) => {
    const run = await shop.run("update", version);
    expect(run.state).toBe("void");
    return run.error!;
  };

  test("says so: a dirty checkout, the version that runs, an older one, one that does not exist", async () => {
    expect(await refused("2.0.0")).toMatchObject({ code: "already_running" });
    expect(await refused("1.2.0")).toMatchObject({
      code: "older_version",
      hint: `/ops rollback ${shop.id} 1.2.0 goes back.`,
    });
    expect(await refused("2.1.O")).toMatchObject({ code: "unknown_version", hint: "Did you mean 2.1.0?" });
    await expect(shop.run("update", "--upload-pack=x")).rejects.toMatchObject({ code: "bad_argument" });
    await writeFile(join(shop.repository.repository.path, "server.cjs"), "// changed by hand");
    expect(await refused("2.1.0")).toMatchObject({
      code: "checkout_dirty",
      message: expect.stringContaining("server.cjs"),
    });
    expect(await shop.deeds()).toEqual(["start 2.0.0"]);
  });

  test("for want of pg_dump says so in plain words before anybody is asked", async () => {
    await shops.narrowPath(["git"]);
    expect(await refused("2.1.0")).toMatchObject({
      code: "no_pg_dump",
      message: "pg_dump is not installed, so no backup can be taken",
      hint: expect.stringMatching(/^Install the PostgreSQL client, version \d+ or newer\.$/),
    });
  });
});

describe("an update that fails", () => {
  beforeEach(newShop);
  test("at the install goes back in code and dependencies; the database is not touched", async () => {
    const run = await shop.run("update", "2.3.0");
    expect(run).toMatchObject({
      state: "undone",
      error: { message: expect.stringContaining("no such package") },
    });
    expect(await stepsOf(run.id)).toEqual([
      "hold-writes done",
      "way-back done",
      "backup done",
      "checkout done",
      "install failed",
    ]);
    expect(await stepsOf(run.id, "undo")).toEqual(["checkout done", "way-back done", "hold-writes done"]);
    expect(await shop.deeds()).toEqual(["start 2.0.0", "install 2.3.0", "install 2.0.0", "start 2.0.0"]);
    await allIsAsBefore();
    expect(await listReleases(journal(), shop.id)).toEqual([]);
  });

  test("at a migration that broke off gets its database back, row for row", async () => {
    const run = await shop.run("update", "2.4.0");
    expect(run).toMatchObject({
      state: "undone",
      error: { message: expect.stringContaining("no_such_column") },
    });
    expect(await stepsOf(run.id, "undo")).toContain("migrate done");
    await allIsAsBefore();
    expect(await shop.orders()).toBe(20);
    await insert();
    expect(await shop.orders()).toBe(21);
    await expect(shop.database.as(shop.database.ownerUrl, "select rating from orders")).rejects.toMatchObject(
      { code: "42703" },
    );
  });

  test("as the service answers 200 and says that it is unhealthy, is undone whole", async () => {
    const run = await shop.run("update", "2.2.0");
    expect(run).toMatchObject({
      state: "undone",
      error: { code: "verify_failed", message: expect.stringContaining("unhealthy") },
    });
    await allIsAsBefore();
    expect(await shop.orders()).toBe(20);
  });

  test("puts the declared files back that its install had changed", async () => {
    const service = shops.context.config.services.find(({ id }) => id === shop.id)!;
    const file = join(shop.repository.folder, "shop.env");
    await writeFile(file, "COLOUR=green\n", { mode: 0o640 });
    service.files = [file];
    service.commands.install = [
      process.execPath,
      "-e",
      `require("node:fs").appendFileSync(${JSON.stringify(file)}, "SHAPE=round\\n"); process.exit(1)`,
    ];
    const stuck = await shop.run("update", "2.0.1");
    // its install fails on the way back as well: a person says that this does not matter
    expect(stuck).toMatchObject({
      state: "needs_decision",
      decision: { step: "checkout", direction: "undo" },
    });
    expect(await readFile(file, "utf8")).toContain("SHAPE");
    await shops.decide(stuck.id, "skip");
    expect((await shops.until(stuck.id, ["undone", "needs_decision"])).state).toBe("undone");
    expect(await readFile(file, "utf8")).toBe("COLOUR=green\n");
  });

  test("after writes were accepted asks, names the rows at stake, and Skip keeps them", async () => {
    // somebody lets go of the writes by hand while the migration runs
    const id = shop.id;
    const service = shops.context.config.services.find((one) => one.id === id)!;
    const [node, migrate] = service.commands.migrate!;
    const gate = join(shop.repository.folder, "gate");
    service.commands.migrate = [
      node!,
      "-e",
      `require("node:fs").writeFileSync(${JSON.stringify(gate)}, ""); while (require("node:fs").existsSync(${JSON.stringify(gate)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10); require(process.cwd() + "/${migrate}")`,
    ];
    const ended = shop.run("update", "2.2.0");
    await expect.poll(() => readFile(gate, "utf8").catch(() => null), { timeout: 20_000 }).toBe("");
    await releaseWrites(shop.database.database);
    await insert();
    await insert();
    await rm(gate);
    const stuck = await ended;
    expect(stuck).toMatchObject({
      state: "needs_decision",
      decision: { step: "migrate", direction: "undo", choices: ["retry", "skip", "abandon"] },
    });
    expect(stuck.decision!.reason).toContain("public.orders 20 → 22");
    await shops.decide(stuck.id, "skip");
    const run = await shops.until(stuck.id, ["undone", "failed"]);
    expect(run.state).toBe("undone");
    await allIsAsBefore();
    expect(await shop.orders()).toBe(22);
  });
});

test("an update of a service whose application owns its database says that it holds no writes, and migrates", async () => {
  shop = await shops.shop({ database: { url: { env: "ADMIN_URL" } } });
  const run = await shop.run("update", "2.1.0");
  expect(run.plan!.context.warnings.join()).toContain(
    "Writes are not held (database.admin is the application's own role)",
  );
  expect(run).toMatchObject({ state: "succeeded", error: null });
  expect(await stepsOf(run.id)).not.toContain("hold-writes done");
});

describe("a restart", () => {
  beforeEach(newShop);
  test("starts the service anew and verifies it", async () => {
    const run = await shop.run("restart");
    expect(run.state).toBe("succeeded");
    expect(await stepsOf(run.id)).toEqual(["restart done", "verify done"]);
    expect(await shop.deeds()).toEqual(["start 2.0.0", "start 2.0.0"]);
  });

  test("of what does not turn well fails, with nothing to undo", async () => {
    await writeFile(
      join(shop.repository.repository.path, "release.json"),
      '{"version":"2.0.0","status":"unhealthy"}',
    );
    const run = await shop.run("restart");
    expect(run).toMatchObject({ state: "failed", error: { code: "verify_failed" } });
  });

  test("without a command for it is refused", async () => {
    shop = await shops.shop({ commands: {} });
    expect((await shop.run("restart")).error).toMatchObject({ code: "no_restart" });
  });
});
