/**
 * What maintenance does to a service's Postgres: holding writes, dumping, and putting a dump back.
 * All of it over the admin connection; the application's role never gets more than it has.
 */
import pg from "pg";
import { StewardError } from "../errors.ts";
import type { CommandOptions, Host } from "./host.ts";

export interface ServiceDatabase {
  adminUrl: string;
  /** the role that the application connects as: writes are held for it alone */
  appRole: string;
  name: string;
}

type Runner = (command: readonly string[], options: Partial<CommandOptions>) => Promise<void>;

/** The database of a service's declaration. `url` is the application's, `admin` may do the maintenance. */
export function serviceDatabase(declaration: {
  url: string;
  admin?: string | undefined;
  appRole?: string | undefined;
}): ServiceDatabase {
  const { user, database } = parseUrl(declaration.url);
  return {
    adminUrl: declaration.admin ?? declaration.url,
    appRole: declaration.appRole ?? user,
    name: database,
  };
}

/**
 * From here on the application can read and not write: its role's transactions in this database are
 * read-only by default, and its open sessions are ended so that the default takes hold. Migrations run as
 * another role and are not held. Safe to repeat.
 */
export async function holdWrites(database: ServiceDatabase): Promise<void> {
  await withClient(database.adminUrl, async (client) => {
    const role = client.escapeIdentifier(database.appRole);
    await client.query(
      `alter role ${role} in database ${client.escapeIdentifier(database.name)} set default_transaction_read_only = on`,
    );
    await endSessions(client, database.name, database.appRole);
  });
}

/** Lets the application write again. Safe to repeat. */
export async function releaseWrites(database: ServiceDatabase): Promise<void> {
  await withClient(database.adminUrl, async (client) => {
    const role = client.escapeIdentifier(database.appRole);
    await client.query(
      `alter role ${role} in database ${client.escapeIdentifier(database.name)} reset default_transaction_read_only`,
    );
    await endSessions(client, database.name, database.appRole);
  });
}

/** Whether writes are held now: read from the server, not from memory. */
export async function writesHeld(database: ServiceDatabase): Promise<boolean> {
  return await withClient(database.adminUrl, async (client) => {
    const result = await client.query(
      `select 1 from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase join pg_roles r on r.oid = s.setrole
       where d.datname = $1 and r.rolname = $2 and 'default_transaction_read_only=on' = any(s.setconfig)`,
      [database.name, database.appRole],
    );
    return result.rowCount === 1;
  });
}

/** Exact rows per table, by `schema.table`. */
export async function countRows(adminUrl: string): Promise<Record<string, number>> {
  return await withSnapshot(adminUrl, async (_, rows) => rows);
}

/**
 * Runs `work` with a snapshot of the database that it may hand to pg_dump, and the exact rows per table in
 * that same snapshot: what is counted is what is dumped, whoever writes meanwhile.
 */
export async function withSnapshot<T>(
  adminUrl: string,
  work: (snapshot: string, rows: Record<string, number>) => Promise<T>,
): Promise<T> {
  return await withClient(adminUrl, async (client) => {
    await client.query("begin isolation level repeatable read read only");
    const exported = await client.query<{ id: string }>("select pg_export_snapshot() as id");
    const tables = await client.query<{ schemaname: string; tablename: string }>(
      "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2",
    );
    const rows: Record<string, number> = {};
    for (const { schemaname, tablename } of tables.rows) {
      const table = `${client.escapeIdentifier(schemaname)}.${client.escapeIdentifier(tablename)}`;
      const count = await client.query<{ count: string }>(`select count(*) as count from ${table}`);
      rows[`${schemaname}.${tablename}`] = Number(count.rows[0]!.count);
    }
    return await work(exported.rows[0]!.id, rows);
  });
}

/** The command that dumps the database into `file`, compressed so that a flipped byte cannot pass unseen. */
export function dumpCommand(
  adminUrl: string,
  file: string,
  snapshot: string,
): { command: string[]; env: Record<string, string> } {
  const { shown, env } = splitPassword(adminUrl);
  return {
    command: [
      "pg_dump",
      "--format=custom",
      "--compress=6",
      `--snapshot=${snapshot}`,
      `--file=${file}`,
      `--dbname=${shown}`,
    ],
    env,
  };
}

/**
 * Puts a dump in the place of the database: restored beside it, its rows counted against `expectedRows`,
 * then swapped by name in one transaction, settings and grants carried over. The replaced database is
 * dropped last. `tag` names the scratch and the replaced database, so an interrupted call can be repeated.
 * Throws `restore_mismatch` and leaves the live database as it was when the counts differ.
 */
export async function replaceDatabase(
  database: ServiceDatabase,
  dump: { file: string; expectedRows: Record<string, number>; tag: string },
  run: Runner,
): Promise<void> {
  const scratch = `${database.name}_restore_${dump.tag}`.slice(0, 63);
  const replaced = `${database.name}_replaced_${dump.tag}`.slice(0, 63);
  const maintenance = urlFor(database.adminUrl, "postgres");
  const swapped = await withClient(maintenance, async (client) => {
    if (await exists(client, replaced)) return true;
    await client.query(`drop database if exists ${client.escapeIdentifier(scratch)} with (force)`);
    const owner = await client.query<{ owner: string }>(
      "select pg_get_userbyid(datdba) as owner from pg_database where datname = $1",
      [database.name],
    );
    await client.query(
      `create database ${client.escapeIdentifier(scratch)} owner ${client.escapeIdentifier(owner.rows[0]!.owner)} template template0`,
    );
    return false;
  });
  if (!swapped) {
    const { shown, env } = splitPassword(urlFor(database.adminUrl, scratch));
    await run(["pg_restore", "--exit-on-error", `--dbname=${shown}`, dump.file], { env });
    assertSameRows(dump.expectedRows, await countRows(urlFor(database.adminUrl, scratch)));
    await withClient(maintenance, (client) => swap(client, database.name, scratch, replaced));
  }
  await withClient(maintenance, async (client) => {
    await client.query(`drop database if exists ${client.escapeIdentifier(replaced)} with (force)`);
  });
}

/** The server's major version. */
export async function serverMajor(adminUrl: string): Promise<number> {
  return await withClient(adminUrl, async (client) => {
    const result = await client.query<{ number: string }>(
      "select current_setting('server_version_num') as number",
    );
    return Math.floor(Number(result.rows[0]!.number) / 10_000);
  });
}

/** The version of a client tool's major, or null when it is not installed. */
export async function toolMajor(host: Host, tool: "pg_dump" | "pg_restore"): Promise<number | null> {
  try {
    const result = await host.run([tool, "--version"], { timeoutMs: 10_000 });
    const major = /\b(\d+)(?:\.\d+)*/.exec(result.output)?.[1];
    return result.exitCode === 0 && major ? Number(major) : null;
  } catch {
    return null;
  }
}

/** Swaps names; nobody can connect to either meanwhile. */
async function swap(client: pg.Client, live: string, scratch: string, replaced: string): Promise<void> {
  const [a, b, c] = [live, scratch, replaced].map((name) => client.escapeIdentifier(name));
  await copySettings(client, live, scratch);
  await client.query(`alter database ${a} allow_connections false`);
  try {
    await endSessions(client, live);
    await endSessions(client, scratch);
    await client.query("begin");
    await client.query(`alter database ${a} rename to ${c}`);
    await client.query(`alter database ${b} rename to ${a}`);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    await client.query(`alter database ${a} allow_connections true`);
    throw error;
  }
}

/** What belongs to the database and not to the dump: settings by role, and who may connect. */
async function copySettings(client: pg.Client, from: string, to: string): Promise<void> {
  const statements = await client.query<{ sql: string }>(
    `select case when s.setrole = 0 then format('alter database %I set %I = %L', $2::text, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1))
         else format('alter role %I in database %I set %I = %L', pg_get_userbyid(s.setrole), $2::text, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)) end as sql
       from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase, unnest(s.setconfig) c where d.datname = $1
     union all
     select format('revoke all on database %I from public', $2::text) from pg_database where datname = $1 and datacl is not null
     union all
     select format('grant %s on database %I to %s', a.privilege_type, $2::text, case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
       from pg_database d, aclexplode(d.datacl) a where d.datname = $1`,
    [from, to],
  );
  for (const { sql } of statements.rows) await client.query(sql);
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

async function exists(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query("select 1 from pg_database where datname = $1", [name])).rowCount === 1;
}

/**
 * Ends the sessions in the database (of one role, or all but ours) that began before this call, and waits
 * until they are gone: only then is nothing of theirs still being written. Later ones come under what was
 * set before the call.
 */
async function endSessions(client: pg.Client, database: string, role?: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  const { rows } = await client.query<{ at: Date }>("select clock_timestamp() as at");
  for (;;) {
    const left = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and ($2::text is null or usename = $2)
         and backend_start < $3::timestamptz + interval '1 millisecond' and pid <> pg_backend_pid() and backend_type = 'client backend'`,
      [database, role ?? null, rows[0]!.at],
    );
    if (left.rowCount === 0) return;
    if (Date.now() > deadline) {
      throw new StewardError("sessions_remain", `${left.rowCount} sessions in ${database} do not end`, {
        hint: "Look at pg_stat_activity for what holds them.",
      });
    }
    await client.query("select pg_sleep(0.05)");
  }
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "steward maintenance",
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlFor(url: string, database: string): string {
  const parts = /^([a-z]+:\/\/[^/]*\/)([^?]*)(.*)$/i.exec(url);
  return parts ? `${parts[1]}${encodeURIComponent(database)}${parts[3]}` : url;
}

function parseUrl(url: string): { user: string; database: string } {
  const parts = /^[a-z]+:\/\/(?:([^:@/]*)(?::[^@]*)?@)?[^/]*\/([^?]*)/i.exec(url);
  return { user: decodeURIComponent(parts?.[1] ?? ""), database: decodeURIComponent(parts?.[2] ?? "") };
}

/** Command lines are seen by every user of a machine: the password goes by the environment. */
function splitPassword(url: string): { shown: string; env: Record<string, string> } {
  const parts = /^([a-z]+:\/\/[^:@/]*):([^@/]*)@(.*)$/i.exec(url);
  return parts
    ? { shown: `${parts[1]}@${parts[3]}`, env: { PGPASSWORD: decodeURIComponent(parts[2]!) } }
    : { shown: url, env: {} };
}
