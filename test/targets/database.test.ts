import { afterEach, describe, expect, test } from "vitest";
import {
  countRows,
  dumpCommand,
  holdWrites,
  releaseWrites,
  serverMajor,
  serviceDatabase,
  toolMajor,
  withSnapshot,
  writesHeld,
} from "../../src/targets/database.ts";
import { urlFor } from "../../src/targets/database-url.ts";
import { type ShopDatabase, shopDatabase } from "./shop-database.ts";

let shop: ShopDatabase;
afterEach(async () => {
  await shop?.close();
});

const INSERT = "insert into orders values (100, 'new')";

describe("holding writes", () => {
  test("ends the application's open session, whose transaction is lost and not half written", async () => {
    shop = await shopDatabase();
    const session = await shop.connect(shop.appUrl);
    await session.query("begin");
    await session.query(INSERT);
    await holdWrites(shop.database);
    await expect(session.query("commit")).rejects.toThrow();
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20 });
  });

  test("lets a new session of the application read and not write, and the owner migrate", async () => {
    shop = await shopDatabase();
    await holdWrites(shop.database);
    await expect(shop.as(shop.appUrl, INSERT)).rejects.toMatchObject({ code: "25006" });
    expect(await shop.as(shop.appUrl, "select count(*)::int as n from orders")).toEqual([{ n: 20 }]);
    await shop.as(shop.ownerUrl, "alter table orders add column code text");
    await shop.as(shop.ownerUrl, INSERT.replace("100", "101"));
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 21 });
  });

  test("is read from the server, so that another replica knows it too; releasing lets write again", async () => {
    shop = await shopDatabase();
    expect(await writesHeld(shop.database)).toBe(false);
    await holdWrites(shop.database);
    await holdWrites(shop.database);
    expect(await writesHeld(shop.database)).toBe(true);
    const held = await shop.connect(shop.appUrl);
    await releaseWrites(shop.database);
    await releaseWrites(shop.database);
    expect(await writesHeld(shop.database)).toBe(false);
    // a session from while they were held would go on refusing
    await expect(held.query("select 1")).rejects.toThrow();
    await shop.as(shop.appUrl, INSERT);
  });

  test("holds them in this database alone", async () => {
    shop = await shopDatabase();
    const sibling = `${shop.database.name}_sibling`;
    await shop.superuser(`create database ${sibling} owner "${shop.owner}"`);
    const session = await shop.connect(urlFor(shop.appUrl, sibling));
    await holdWrites(shop.database);
    const { rows } = await session.query("show default_transaction_read_only");
    expect(rows).toEqual([{ default_transaction_read_only: "off" }]);
    expect(await writesHeld({ ...shop.database, name: sibling })).toBe(false);
  });
});

describe("a snapshot", () => {
  test("counts exactly the rows that the dump holds, though rows are written while it counts and after", async () => {
    shop = await shopDatabase();
    const file = `${(await shop.dump()).file}.second`;
    await shop.as(shop.ownerUrl, "create table archive (id int)");
    // the counting begins with the archive, and waits there
    const holder = await shop.connect(shop.ownerUrl);
    await holder.query("begin; lock table archive in access exclusive mode");
    const counted = withSnapshot(shop.ownerUrl, async (snapshot, rows) => {
      await shop.as(shop.appUrl, "delete from orders where id < 4");
      const { command, env } = dumpCommand(shop.ownerUrl, file, snapshot);
      await shop.run(command, { env });
      return rows;
    });
    await expect.poll(() => sessions("and wait_event_type = 'Lock'"), { timeout: 5_000 }).toBe(1);
    await shop.as(shop.appUrl, INSERT);
    await holder.query("commit");
    const rows = await counted;
    const shown = await shop.host.run(["pg_restore", "--data-only", "--file=-", file], { timeoutMs: 10_000 });
    const dumped = shown.output.split("\n").filter((line) => /^\d+\t(?:item|new)/.test(line)).length;
    expect(rows).toEqual({ "public.archive": 0, "public.orders": dumped });
    expect(dumped).toBe(20);
    expect(await countRows(shop.ownerUrl)).toMatchObject({ "public.orders": 18 });
  });

  test("counts every schema's tables, and leaves out other sessions' temporary ones", async () => {
    shop = await shopDatabase();
    await shop.as(shop.ownerUrl, 'create schema "Läger"');
    await shop.as(shop.ownerUrl, 'create table "Läger"."Stück ""1""" as select 1 as n');
    const session = await shop.connect(shop.appUrl);
    await session.query("create temporary table basket (id int)");
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20, 'Läger.Stück "1"': 1 });
  });

  test("that loses its connection while the dump runs fails; Steward itself goes on", async () => {
    shop = await shopDatabase();
    const lost = withSnapshot(shop.ownerUrl, async () => {
      await shop.superuser(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${shop.database.name}'`,
      );
      await expect.poll(() => sessions(), { timeout: 5_000 }).toBe(0);
      await shop.as(shop.ownerUrl, "select 1");
      throw new Error("the dump failed");
    });
    await expect(lost).rejects.toThrow("the dump failed");
  });
});

describe("a declared database", () => {
  const parts = (url: string) => {
    const { appRole, name } = serviceDatabase({ url });
    return { appRole, name };
  };

  test("takes role and name from the URL, however they are written", () => {
    expect(parts("postgres://shop_app:s%40cret@db.example:5432/shop?sslmode=require")).toEqual({
      appRole: "shop_app",
      name: "shop",
    });
    expect(parts("postgresql://me%20too@/my%20shop?host=/run/postgresql&port=5432")).toEqual({
      appRole: "me too",
      name: "my shop",
    });
    expect(parts("postgresql:///shop?host=/run/postgresql&user=shop_app")).toEqual({
      appRole: "shop_app",
      name: "shop",
    });
    expect(parts("postgresql://shop@db.example")).toEqual({ appRole: "shop", name: "shop" });
    expect(parts("postgresql://shop@db.example?dbname=store")).toEqual({ appRole: "shop", name: "store" });
  });

  test.each([
    ["in its place", "postgres://o:p%40ss%2Fw%3Ard@db.example/shop?sslmode=require"],
    ["as a parameter", "postgres://o@db.example/shop?password=p%40ss%2Fw%3Ard&sslmode=require"],
  ])("its password %s never gets into a command's arguments", (_, url) => {
    const { command, env } = dumpCommand(url, "/backup/database.dump", "0001-1");
    expect(command.join(" ")).not.toMatch(/p%40ss|p@ss/);
    expect(command.at(-1)).toBe("--dbname=postgres://o@db.example/shop?sslmode=require");
    expect(env).toEqual({ PGPASSWORD: "p@ss/w:rd" });
  });
});

test("versions of server and tools are told; a tool that is not there is null", async () => {
  shop = await shopDatabase();
  const server = await serverMajor(shop.ownerUrl);
  expect(await toolMajor(shop.host, "pg_dump")).toBeGreaterThanOrEqual(server);
  const bare = { ...shop.host, run: shop.host.run.bind(shop.host) };
  bare.run = (command, options) => shop.host.run(command, { ...options, env: { PATH: "/nowhere" } });
  expect(await toolMajor(bare, "pg_dump")).toBeNull();
});

async function sessions(which = ""): Promise<number> {
  const rows = await shop.superuser(
    `select count(*)::int as n from pg_stat_activity where datname = '${shop.database.name}' ${which}`,
  );
  return Number(rows[0]!.n);
}
