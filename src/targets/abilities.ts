import pg from "pg";
import type { ServiceDatabase } from "./database.ts";

/** What the maintenance connection may do; each is needed for one thing that a run does. */
export interface Abilities {
  role: string;
  /** hold the application's writes: set a default of its role */
  holdWrites: boolean;
  /** end the application's sessions */
  endSessions: boolean;
  /** put a backup in the database's place: create a database, rename this one */
  replace: boolean;
}

/**
 * Finds out by asking the server, and by setting the default of the role in a transaction that is rolled back.
 * Throws the server's own error when it cannot be reached or refuses the login.
 */
export async function readAbilities(database: ServiceDatabase): Promise<Abilities> {
  const client = new pg.Client({
    connectionString: database.adminUrl,
    application_name: "steward doctor",
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ role: string; end: boolean; replace: boolean }>(
      `select current_user as role,
         r.rolsuper or pg_has_role(current_user, 'pg_signal_backend', 'member')
           or coalesce((select pg_has_role(current_user, a.oid, 'member') from pg_roles a where a.rolname = $1), false) as end,
         r.rolsuper or (r.rolcreatedb and pg_has_role(current_user, d.datdba, 'member')) as replace
       from pg_roles r, pg_database d where r.rolname = current_user and d.datname = $2`,
      [database.appRole, database.name],
    );
    const row = rows[0];
    return {
      role: row?.role ?? "",
      holdWrites: await maySetDefault(client, database),
      endSessions: row?.end === true,
      replace: row?.replace === true,
    };
  } finally {
    await client.end();
  }
}

/** Who may do this depends on the server's version, ownership and grants: trying it is the only sure answer. */
async function maySetDefault(client: pg.Client, { appRole, name }: ServiceDatabase): Promise<boolean> {
  await client.query("begin");
  try {
    await client.query("set local lock_timeout = '2s'");
    await client.query(
      `alter role ${client.escapeIdentifier(appRole)} in database ${client.escapeIdentifier(name)} set default_transaction_read_only = on`,
    );
    return true;
  } catch {
    return false;
  } finally {
    await client.query("rollback");
  }
}
