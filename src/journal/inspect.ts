import { readdir } from "node:fs/promises";
import pg from "pg";
import { StewardError } from "../errors.ts";

export interface JournalInspection {
  /** the server's major version */
  major: number;
  /** how many of our migrations are applied, and how many are still to come */
  applied: number;
  pending: number;
  /** whether the role may create our schema */
  mayCreate: boolean;
}

/** Looks at the database of the journal without changing it. Throws `journal_unreachable`. */
export async function inspectJournal(url: string): Promise<JournalInspection> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "steward doctor",
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ number: string; create: boolean; there: boolean }>(
      `select current_setting('server_version_num') as number, to_regclass('steward.migrations') is not null as there,
         has_database_privilege(current_database(), 'create') as create`,
    );
    const row = rows[0]!;
    const names = row.there
      ? (await client.query<{ name: string }>("select name from steward.migrations")).rows
      : [];
    const done = new Set(names.map(({ name }) => name));
    const files = (await readdir(new URL("migrations/", import.meta.url))).filter((file) =>
      file.endsWith(".sql"),
    );
    return {
      major: Math.floor(Number(row.number) / 10_000),
      applied: done.size,
      pending: files.filter((file) => !done.has(file)).length,
      mayCreate: row.create,
    };
  } catch (cause) {
    throw new StewardError(
      "journal_unreachable",
      `The journal cannot be opened: ${(cause as Error).message}`,
      {
        hint: "Check DATABASE_URL and that the server is up.",
        cause,
      },
    );
  } finally {
    void client.end().catch(() => {});
  }
}
