/** Putting a dump in the place of a live database. */
import { createHash } from "node:crypto";
import pg from "pg";
import { StewardError } from "../errors.ts";
import { countRows, type ServiceDatabase } from "./database.ts";
import { endSessions, terminate, withClient } from "./database-session.ts";
import { splitPassword, urlFor } from "./database-url.ts";
import type { CommandOptions } from "./host.ts";

type Runner = (command: readonly string[], options: Partial<CommandOptions>) => Promise<void>;

/** `database is being accessed by other users` */
const OBJECT_IN_USE = "55006";
/** Postgres cuts longer names off without an error: two of ours would then be one. */
const NAME_BYTES = 63;
/** Settings that are lists of names: each is quoted by itself, or the list would become one name. */
const LISTS = new Set([
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
]);

/**
 * Puts a dump in the place of the database: restored beside it, its rows counted against `expectedRows`,
 * then swapped by name in one transaction; locale, settings and grants carried over. The replaced database is
 * dropped last. `tag` names the scratch and the replaced database, so an interrupted call can be repeated.
 * Throws `restore_mismatch` and leaves the live database as it was when the counts differ.
 */
export async function replaceDatabase(
  database: ServiceDatabase,
  dump: { file: string; expectedRows: Record<string, number>; tag: string },
  run: Runner,
): Promise<void> {
  const scratch = nameBeside(database.name, `_restore_${dump.tag}`);
  const replaced = nameBeside(database.name, `_replaced_${dump.tag}`);
  const maintenance = urlFor(database.adminUrl, "postgres");
  const swapped = await withClient(maintenance, async (client) => {
    if (await exists(client, replaced)) return true;
    await drop(client, scratch);
    await createAlike(client, database.name, scratch);
    return false;
  });
  if (!swapped) {
    try {
      const { shown, env } = splitPassword(urlFor(database.adminUrl, scratch));
      await run(["pg_restore", "--exit-on-error", `--dbname=${shown}`, dump.file], { env });
      assertSameRows(dump.expectedRows, await countRows(urlFor(database.adminUrl, scratch)));
    } catch (error) {
      // an interrupted call leaves it to who repeats the call: they may be at it already
      if (error instanceof StewardError && ["restore_mismatch", "command_failed"].includes(error.code))
        await withClient(maintenance, (client) => drop(client, scratch)).catch(() => {});
      throw error;
    }
    await swap(maintenance, database.name, scratch, replaced);
  }
  await withClient(maintenance, (client) => drop(client, replaced));
}

/** `name` with `suffix`, within what Postgres keeps of a name; a name that had to be cut is told by its hash. */
function nameBeside(name: string, suffix: string): string {
  if (Buffer.byteLength(name + suffix) <= NAME_BYTES) return name + suffix;
  const end = `_${createHash("sha256").update(name).digest("hex").slice(0, 8)}${suffix}`;
  let head = name;
  while (Buffer.byteLength(head + end) > NAME_BYTES) head = [...head].slice(0, -1).join("");
  return head + end;
}

async function exists(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query("select 1 from pg_database where datname = $1", [name])).rowCount === 1;
}

async function drop(client: pg.Client, name: string): Promise<void> {
  await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`);
}

/** An empty database with the owner, encoding, locale and connection limit of another. */
async function createAlike(client: pg.Client, live: string, name: string): Promise<void> {
  // by to_jsonb, since the columns of the locale differ from version to version
  const { rows } = await client.query<Record<"owner" | "encoding", string> & { d: Record<string, string> }>(
    `select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding, to_jsonb(d) as d
       from pg_database d where datname = $1`,
    [live],
  );
  const [found] = rows;
  if (!found) throw new StewardError("no_database", `There is no database ${live} on the server`);
  const { owner, encoding, d } = found;
  const literal = (text: string) => client.escapeLiteral(text);
  const locale = d.datlocale ?? d.daticulocale;
  const provider =
    d.datlocprovider === "i" ? "icu" : d.datlocprovider === "b" ? "builtin" : /* libc, or before 15 */ null;
  await client.query(
    `create database ${client.escapeIdentifier(name)} owner ${client.escapeIdentifier(owner)} template template0
       encoding ${literal(encoding)} lc_collate ${literal(d.datcollate!)} lc_ctype ${literal(d.datctype!)}
       ${provider ? `locale_provider ${provider} ${provider}_locale ${literal(locale!)}` : ""}
       ${d.daticurules ? `icu_rules ${literal(d.daticurules)}` : ""} connection limit ${Number(d.datconnlimit)}`,
  );
}

function assertSameRows(expected: Record<string, number>, restored: Record<string, number>): void {
  const different = Object.keys({ ...expected, ...restored }).filter(
    (table) => expected[table] !== restored[table],
  );
  if (different.length === 0) return;
  const shown = different
    .slice(0, 5)
    .map((table) => `${table} ${restored[table] ?? "missing"} instead of ${expected[table] ?? "none"}`);
  throw new StewardError(
    "restore_mismatch",
    `The restored copy differs from the backup's counts: ${shown.join(", ")}`,
    {
      hint: "The live database was not touched. Choose another backup or look at the dump.",
    },
  );
}

/**
 * Swaps names in one transaction. The first renaming locks the live database against new connections and
 * waits for the old ones to go; those that came in at the last moment are ended meanwhile. So there is no
 * state in between that a crash could leave behind.
 */
async function swap(maintenance: string, live: string, scratch: string, replaced: string): Promise<void> {
  const [a, b, c] = [live, scratch, replaced].map((name) => pg.escapeIdentifier(name));
  await withClient(maintenance, async (client) => {
    await copySettings(client, live, scratch);
    await endSessions(client, live);
    await endSessions(client, scratch);
    await client.query("begin");
    try {
      let renamed = false;
      const renaming = client.query(`alter database ${a} rename to ${c}`).finally(() => {
        renamed = true;
      });
      const ending = withClient(maintenance, async (other) => {
        while (!renamed) {
          await terminate(other, live);
          await other.query("select pg_sleep(0.02)");
        }
      });
      await Promise.all([renaming, ending]);
      await client.query(`alter database ${b} rename to ${a}`);
      await client.query("commit");
    } catch (error) {
      await client.query("rollback").catch(() => {});
      if ((error as { code?: string }).code !== OBJECT_IN_USE) throw error;
      throw new StewardError(
        "sessions_remain",
        `Sessions in ${live} do not end; who: ${await whoIsIn(client, live)}`,
        {
          hint: "A superuser's session is ended by nobody but a superuser: close it, then try again.",
        },
      );
    }
  });
}

async function whoIsIn(client: pg.Client, database: string): Promise<string> {
  const { rows } = await client.query<{ who: string }>(
    `select distinct coalesce(usename, backend_type) || coalesce(' (' || nullif(application_name, '') || ')', '') as who
       from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
    [database],
  );
  return rows.map(({ who }) => who).join(", ") || "gone by now";
}

/** What belongs to the database and not to the dump: settings, by role too, and who may connect. */
async function copySettings(client: pg.Client, from: string, to: string): Promise<void> {
  const settings = await client.query<{ role: string | null; setting: string }>(
    `select case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end as role, c as setting
       from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase, unnest(s.setconfig) c where d.datname = $1`,
    [from],
  );
  const database = `database ${client.escapeIdentifier(to)}`;
  for (const { role, setting } of settings.rows) {
    const name = setting.slice(0, setting.indexOf("="));
    const value = setting.slice(name.length + 1);
    const values = (LISTS.has(name) ? splitNames(value) : [value]).map((one) => client.escapeLiteral(one));
    const whose = role === null ? database : `role ${client.escapeIdentifier(role)} in ${database}`;
    const what = name.split(".").map((part) => client.escapeIdentifier(part));
    await client.query(`alter ${whose} set ${what.join(".")} to ${values.join(", ")}`);
  }
  const grants = await client.query<{ sql: string }>(
    `select format('revoke all on database %I from public', $2::text) as sql from pg_database where datname = $1 and datacl is not null
     union all
     select format('grant %s on database %I to %s%s', a.privilege_type, $2::text,
         case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
         case when a.is_grantable then ' with grant option' else '' end)
       from pg_database d, aclexplode(d.datacl) a where d.datname = $1 and a.grantee <> d.datdba`,
    [from, to],
  );
  for (const { sql } of grants.rows) await client.query(sql);
}

/** The names of a list such as `"$user", public`, without their quotes. */
function splitNames(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? match[2]!,
  );
}
