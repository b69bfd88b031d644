import { afterEach, describe, expect, test } from "vitest";
import { countRows, holdWrites, writesHeld } from "../../src/targets/database.ts";
import { replaceDatabase } from "../../src/targets/replace-database.ts";
import { type ShopDatabase, shopDatabase } from "./shop-database.ts";

let shop: ShopDatabase;
afterEach(async () => {
  await shop?.close();
});

const TAG = "run_7";

describe("replacing a database by its dump", () => {
  test("brings the rows back, and what was written since is gone", async () => {
    shop = await shopDatabase();
    const dump = await shop.dump();
    await shop.as(shop.ownerUrl, "delete from orders where id > 5");
    await shop.as(shop.ownerUrl, "create table migrated (id int)");
    await replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run);
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20 });
    expect(await shop.databases()).toEqual([shop.database.name]);
    await shop.as(shop.appUrl, "insert into orders values (21, 'after')");
    expect(shop.seen.flat().join(" ")).not.toContain("ss%2Fw");
  });

  test("carries over the hold, settings by role, list settings, grants, locale and limits", async () => {
    shop = await shopDatabase(
      "locale",
      "template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' connection limit 33",
    );
    const name = `"${shop.database.name}"`;
    await holdWrites(shop.database);
    await shop.superuser(`alter database ${name} set search_path = "$user", public, "Odd, one"`);
    await shop.superuser(`alter role ${shop.app} in database ${name} set search_path = ''`);
    await shop.superuser(`alter database ${name} set timezone = 'Asia/Kolkata'`);
    await shop.superuser(`alter database ${name} set application_name = 'it''s "fresh", = \\ good'`);
    await shop.superuser(`revoke connect on database ${name} from public`);
    await shop.superuser(`grant connect on database ${name} to ${shop.app} with grant option`);
    const before = await belongings();
    const dump = await shop.dump();
    await replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run);
    expect(await belongings()).toEqual(before);
    expect(await writesHeld(shop.database)).toBe(true);
    await expect(shop.as(shop.appUrl, "insert into public.orders values (99, '')")).rejects.toMatchObject({
      code: "25006",
    });
  });

  test.each([
    ["quotes, capitals and spaces", `My "odd" Shop's `],
    ["letters of all kinds", "läden_店_"],
    ["signs that mean something in a URL", "100% {a}^b|c~d [e] "],
    ["as many characters as a name may have", "x".repeat(55)],
    ["characters of several bytes to the limit", "店".repeat(18)],
  ])("works for a name with %s", async (_, name) => {
    shop = await shopDatabase(name);
    const dump = await shop.dump();
    await shop.as(shop.ownerUrl, "delete from orders");
    await replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run);
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20 });
    expect(await shop.databases()).toEqual([shop.database.name]);
  });

  test("is not held up by an application that connects again and again", async () => {
    shop = await shopDatabase();
    const dump = await shop.dump();
    let stop = false;
    let refused = 0;
    const loops = Array.from({ length: 4 }, async () => {
      while (!stop) {
        const session = await shop.connect(shop.appUrl).catch(() => undefined);
        await session?.query("select pg_sleep(5)").catch(() => {
          refused += 1;
        });
      }
    });
    await expect.poll(() => sessions(), { timeout: 5_000 }).toBeGreaterThanOrEqual(4);
    await replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run);
    stop = true;
    await shop.superuser(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${shop.database.name}'`,
    );
    await Promise.all(loops);
    expect(refused).toBeGreaterThanOrEqual(4);
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20 });
  });
});

describe("a session that we may not end", () => {
  test("is named when it is in the way, and the live database is left as it is", async () => {
    shop = await shopDatabase();
    const dump = await shop.dump();
    const busy = shop.superuser("select pg_sleep(8)", shop.database.name);
    await expect
      .poll(() =>
        shop.superuser(
          `select from pg_stat_activity where datname = '${shop.database.name}' and state = 'active'`,
        ),
      )
      .toHaveLength(1);
    await expect(replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run)).rejects.toMatchObject({
      code: "sessions_remain",
      message: expect.stringContaining("postgres"),
    });
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20 });
    await busy;
  });
});

describe("a dump that is not what was recorded", () => {
  test("leaves the live database as it is, its sessions too, and nothing beside it", async () => {
    shop = await shopDatabase();
    const dump = await shop.dump();
    await shop.as(shop.appUrl, "insert into orders values (21, 'since')");
    const session = await shop.connect(shop.appUrl);
    const expectedRows = { "public.orders": 21, "public.codes": 3 };
    await expect(
      replaceDatabase(shop.database, { ...dump, expectedRows, tag: TAG }, shop.run),
    ).rejects.toMatchObject({
      code: "restore_mismatch",
      message: expect.stringContaining("public.orders 20 instead of 21, public.codes missing instead of 3"),
    });
    expect((await session.query("select count(*)::int as n from orders")).rows).toEqual([{ n: 21 }]);
    expect(await shop.databases()).toEqual([shop.database.name]);
  });

  test("nor when pg_restore itself fails", async () => {
    shop = await shopDatabase();
    const dump = { file: "/nowhere/database.dump", expectedRows: {}, tag: TAG };
    await expect(replaceDatabase(shop.database, dump, shop.run)).rejects.toMatchObject({
      code: "command_failed",
    });
    expect(await shop.databases()).toEqual([shop.database.name]);
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20 });
  });
});

describe("after an interruption", () => {
  test("in the middle of the restore, a repeated call begins it anew", async () => {
    shop = await shopDatabase();
    const dump = await shop.dump();
    await shop.as(shop.ownerUrl, "delete from orders");
    const interrupted = replaceDatabase(shop.database, { ...dump, tag: TAG }, async (command, options) => {
      await shop.run(command, options);
      throw new Error("the process was killed");
    });
    await expect(interrupted).rejects.toThrow("killed");
    expect(await shop.databases()).toHaveLength(2);
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 0 });
    await replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run);
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 20 });
    expect(await shop.databases()).toEqual([shop.database.name]);
  });

  test("between the swap and the dropping, a repeated call only drops, and restores nothing again", async () => {
    shop = await shopDatabase();
    const dump = await shop.dump();
    await replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run);
    await shop.superuser(`create database "${shop.database.name}_replaced_${TAG}" owner "${shop.owner}"`);
    await shop.as(shop.appUrl, "insert into orders values (21, 'after the swap')");
    shop.seen.length = 0;
    await replaceDatabase(shop.database, { ...dump, tag: TAG }, shop.run);
    expect(shop.seen).toEqual([]);
    expect(await countRows(shop.ownerUrl)).toEqual({ "public.orders": 21 });
    expect(await shop.databases()).toEqual([shop.database.name]);
  });
});

async function sessions(): Promise<number> {
  const rows = await shop.superuser(
    `select count(*)::int as n from pg_stat_activity where datname = '${shop.database.name}'`,
  );
  return Number(rows[0]!.n);
}

async function belongings() {
  const name = shop.database.name;
  const [database] = await shop.superuser(
    `select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding, datcollate, datctype, datconnlimit,
       array(select unnest(datacl)::text order by 1) as acl from pg_database where datname = '${name}'`,
  );
  const settings = await shop.superuser(
    `select s.setrole::regrole::text as role, array(select unnest(setconfig) order by 1) as settings from pg_db_role_setting s
       join pg_database d on d.oid = s.setdatabase where datname = '${name}' order by 1`,
  );
  return { database, settings };
}
