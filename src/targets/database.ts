/**
 * What maintenance does to a service's Postgres: holding writes and dumping (putting a dump back has a file of its own).
 * All of it over the admin connection; the application's role never gets more than it has.
 */
import { endSessions, withClient } from "./database-session.ts";
import { parseUrl, splitPassword } from "./database-url.ts";
import type { Host } from "./host.ts";

export interface ServiceDatabase {
  adminUrl: string;
  /** the role that the application connects as: writes are held for it alone */
  appRole: string;
  name: string;
}

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

/**
 * Whether writes can be held while migrations go on: not where the application has no role of its own, as then
 * the migrations would be held as well.
 */
export function canHoldWrites(database: ServiceDatabase): boolean {
  return parseUrl(database.adminUrl).user !== database.appRole;
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
      "select schemaname, tablename from pg_tables where schemaname !~ '^(pg_|information_schema$)' order by 1, 2",
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
