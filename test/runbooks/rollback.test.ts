import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { transaction } from "../../src/journal/database.ts";
import { listReleases } from "../../src/journal/releases.ts";
import { chooseAlternative } from "../../src/runbooks/alternatives.ts";
import { decideApproval } from "../../src/runbooks/requests.ts";
import { writesHeld } from "../../src/targets/database.ts";
import { BEA } from "./house.ts";
import { openShops, type Shop, type Shops } from "./shops.ts";

let shops: Shops;
let shop: Shop;
beforeAll(async () => {
  shops = await openShops();
});
afterAll(() => shops.close());

const journal = () => shops.context.journal;
const insert = () =>
  shop.database.as(shop.database.appUrl, "insert into orders select max(id) + 1, 'new' from orders");
const codes = () => shop.database.as(shop.database.ownerUrl, "select code from codes");
/** Takes back as many migrations as it is told, newest first, as the tools of the trade do. */
const DOWN = `
const { Client } = require("pg");
(async () => {
  const client = new Client({ connectionString: process.env.ADMIN_URL });
  await client.connect();
  const { rows } = await client.query("delete from migrations where name > $1 || '.sql' returning name", [process.argv[1]]);
  if (rows.some(({ name }) => name === "002.sql")) await client.query("drop table codes");
  if (rows.some(({ name }) => name === "003.sql")) await client.query("alter table orders drop column rating");
  await client.end();
})();
`;
const down = [process.execPath, "-e", DOWN, "{migration}"];

describe("a rollback over a migration", () => {
  beforeEach(async () => {
    shop = await shops.shop();
    await shop.run("update", "2.1.0");
    await insert();
    await insert();
  });

  test("restores the database unless told otherwise, says beforehand what that loses, and offers code only", async () => {
    const run = await shop.run("rollback");
    expect(run).toMatchObject({ state: "succeeded", plan: { from: "2.1.0", to: "2.0.0" } });
    expect(run.plan!.context.warnings[0]).toMatch(
      /^What was written since the backup .* will be lost: .*public.orders 20 → 22/,
    );
    expect(run.plan!.alternatives).toEqual([{ label: "Code only", args: { database: "keep" } }]);
    expect(run.plan!.subject.backup).toMatchObject({ sha256: [expect.any(String), expect.any(String)] });
    expect(await shop.serves()).toMatchObject({ version: "2.0.0" });
    expect(await shop.orders()).toBe(20);
    await expect(codes()).rejects.toMatchObject({ code: "42P01" });
    expect(await writesHeld(shop.database.database)).toBe(false);
    expect((await listReleases(journal(), shop.id))[0]).toMatchObject({
      version: "2.0.0",
      notes: { runbook: "rollback" },
    });
    expect((await shop.run("rollback")).error).toMatchObject({ code: "no_earlier_release" });
  });

  test("keeps every row when the approver chooses code only, which is another plan", async () => {
    const id = await shop.ask("rollback");
    const offered = await shops.until(id, ["awaiting_approval"]);
    await transaction(journal(), (tx) =>
      chooseAlternative(shops.context, tx, { runId: id, planHash: offered.planHash!, index: 0, actor: BEA }),
    );
    await expect
      .poll(async () => (await shops.until(id, ["awaiting_approval", "planning"])).planHash, {
        timeout: 10_000,
      })
      .not.toBe(offered.planHash);
    const chosen = await shops.until(id, ["awaiting_approval"]);
    expect(chosen.plan!.context.warnings.join()).toContain(
      "has to live with these migrations: migrations/002.sql",
    );
    await transaction(journal(), (tx) =>
      decideApproval(shops.context, tx, {
        runId: id,
        planHash: chosen.planHash!,
        actor: BEA,
        decision: "approve",
        reason: null,
      }),
    );
    await shops.until(id, ["succeeded"]);
    expect(await shop.serves()).toMatchObject({ version: "2.0.0" });
    expect(await shop.orders()).toBe(22);
    expect(await codes()).toEqual([{ code: "HELLO" }]);
  });

  test("that does not turn healthy gives everything back, with what was written before it", async () => {
    // the older version is broken by hand: its install fails
    shops.context.config.services.find(({ id }) => id === shop.id)!.commands.install = [
      process.execPath,
      "-e",
      'if (JSON.parse(require("node:fs").readFileSync("release.json", "utf8")).version === "2.0.0") process.exit(3)',
    ];
    const run = await shop.run("rollback", undefined, { database: "restore" });
    expect(run.state).toBe("undone");
    expect(await shop.serves()).toMatchObject({ version: "2.1.0", status: "healthy" });
    expect(await shop.orders()).toBe(22);
    expect(await codes()).toEqual([{ code: "HELLO" }]);
    expect(await writesHeld(shop.database.database)).toBe(false);
    expect(await shop.database.databases()).toHaveLength(1);
  });

  test("that fails after the restore brings back what the database held", async () => {
    const service = shops.context.config.services.find(({ id }) => id === shop.id)!;
    const [program = "", ...rest] = service.commands.restart!;
    const broken = join(shop.repository.folder, "broken");
    await writeFile(broken, "");
    service.commands.restart = [
      program,
      "-e",
      `if (require("node:fs").existsSync(${JSON.stringify(broken)})) { require("node:fs").rmSync(${JSON.stringify(broken)}); process.exit(4); } process.argv.splice(1, 0, ""); require(process.argv[2])`,
      ...rest,
    ];
    const run = await shop.run("rollback");
    expect(run).toMatchObject({ state: "undone", error: { code: "command_failed" } });
    expect(await shop.orders()).toBe(22);
    expect(await codes()).toEqual([{ code: "HELLO" }]);
    expect(await shop.serves()).toMatchObject({ version: "2.1.0" });
  });

  test("cannot be asked for a way that is not there", async () => {
    expect((await shop.run("rollback", undefined, { database: "down" })).error).toMatchObject({
      code: "bad_argument",
      message: expect.stringContaining("allowed here: restore, keep"),
    });
  });
});

describe("a rollback with down-migrations", () => {
  beforeEach(async () => {
    shop = await shops.shop();
    shops.context.config.services.find(({ id }) => id === shop.id)!.commands.down = down;
    await shop.run("update", "2.1.0");
    await insert();
  });

  test("takes the schema back and keeps the rows", async () => {
    const run = await shop.run("rollback");
    expect(run).toMatchObject({ state: "succeeded", plan: { subject: { database: "down" } } });
    expect(run.plan!.subject.down).toEqual([...down.slice(0, 3), "001"]);
    expect(run.plan!.alternatives!.map(({ args }) => args.database)).toEqual(["restore", "keep"]);
    expect(await shop.orders()).toBe(21);
    await expect(codes()).rejects.toMatchObject({ code: "42P01" });
    expect(await shop.serves()).toMatchObject({ version: "2.0.0" });
  });
});

describe("an update whose writes were not held", () => {
  /** The new version is unhealthy; orders come in between its migration and the failure. */
  async function failing(commands: object): Promise<void> {
    shop = await shops.shop();
    const service = shops.context.config.services.find(({ id }) => id === shop.id)!;
    service.database!.holdWrites = false;
    const [node = "", ...migrate] = service.commands.migrate!;
    // an order by the application itself, right after the migration
    const order =
      'const c = new (require("pg").Client)({ connectionString: process.env.SHOP_URL }); c.connect().then(() => c.query("insert into orders (id, item) select max(id) + 1, \'late\' from orders")).then(() => c.end())';
    service.environment.SHOP_URL = shop.database.appUrl;
    service.commands = {
      ...service.commands,
      migrate: [
        node,
        "-e",
        `require("node:child_process").execFileSync(process.execPath, ${JSON.stringify(migrate)}, { stdio: "inherit" }); ${order}`,
      ],
      ...commands,
    };
  }

  test("takes its migrations back by the declared command, and the orders stay", async () => {
    await failing({ down });
    const run = await shop.run("update", "2.2.0");
    expect(run).toMatchObject({ state: "undone", error: { code: "verify_failed" } });
    expect(await shop.orders()).toBe(21);
    await expect(shop.database.as(shop.database.ownerUrl, "select rating from orders")).rejects.toMatchObject(
      { code: "42703" },
    );
    expect(await shop.serves()).toMatchObject({ version: "2.0.0" });
  });

  test("asks when it has none, and names the orders at stake", async () => {
    await failing({});
    const stuck = await shop.run("update", "2.2.0");
    expect(stuck).toMatchObject({
      state: "needs_decision",
      decision: { step: "migrate", direction: "undo" },
    });
    expect(stuck.decision!.reason).toContain("public.orders 20 → 21");
    await shops.decide(stuck.id, "skip");
    await shops.until(stuck.id, ["undone"]);
    expect(await shop.orders()).toBe(21);
  });
});

describe("a rollback of code alone", () => {
  beforeEach(async () => {
    shop = await shops.shop();
  });
  test("that does not turn healthy comes back by itself; another works while the remote is down", async () => {
    await shop.run("update", "2.0.1");
    const unwell = await shop.run("rollback", "2.2.0");
    expect(unwell).toMatchObject({ state: "undone", error: { code: "verify_failed" } });
    expect(await shop.serves()).toMatchObject({ version: "2.0.1", status: "healthy" });
    await rm(shop.repository.origin, { recursive: true });
    const run = await shop.run("rollback", "2.0.0");
    expect(run).toMatchObject({ state: "succeeded" });
    expect(run.plan!.context.warnings.join()).toContain("The remote does not answer");
    expect(await shop.serves()).toMatchObject({ version: "2.0.0" });
  });
});
