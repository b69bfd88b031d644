/** Sessions of the maintenance connection, and the ending of others'. */
import pg from "pg";
import { StewardError } from "../errors.ts";

const ENDING_MS = 15_000;

/** Runs `work` on a connection of its own. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "steward maintenance",
    connectionTimeoutMillis: 10_000,
  });
  // lost between two queries (a dump runs meanwhile): the next query says so; unheard it would end the process
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Ends the sessions in the database (of one role, or all but ours) that began before this call, and waits
 * until they are gone: only then is nothing of theirs still being written. Later ones come under what was
 * set before the call. Throws `sessions_remain` after 15 s.
 */
export async function endSessions(client: pg.Client, database: string, role?: string): Promise<void> {
  const deadline = Date.now() + ENDING_MS;
  const { rows } = await client.query<{ at: Date }>("select clock_timestamp() as at");
  for (;;) {
    const left = await terminate(client, database, { role, before: rows[0]!.at });
    if (left === 0) return;
    if (Date.now() > deadline) {
      throw new StewardError("sessions_remain", `${left} sessions in ${database} do not end`, {
        hint: "Look at pg_stat_activity for what holds them.",
      });
    }
    await client.query("select pg_sleep(0.05)");
  }
}

/**
 * Tells the sessions in the database to end, once. Returns how many there were. A superuser's is left alone unless we are
 * one: asking for it would be an error, and the others would live on. Where it is in the way, what follows says so.
 */
export async function terminate(
  client: pg.Client,
  database: string,
  which: { role?: string | undefined; before?: Date } = {},
): Promise<number> {
  const told = await client.query(
    `select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
     where a.datname = $1 and ($2::text is null or a.usename = $2)
       and (not r.rolsuper or (select me.rolsuper from pg_roles me where me.rolname = current_user))
       and ($3::timestamptz is null or backend_start < $3::timestamptz + interval '1 millisecond')
       and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'`,
    [database, which.role ?? null, which.before ?? null],
  );
  return told.rowCount ?? 0;
}
