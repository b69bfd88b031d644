/** Sessions with the embedded server. */
import pg from "pg";
import type { EmbeddedHome } from "./embedded-home.ts";

export const SUPERUSER = "postgres";

/** Runs `work` on a connection of its own. */
export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** For `pg` and for Postgres' own programs. */
export function connectionString(home: EmbeddedHome, database: string, user: string): string {
  const query = new URLSearchParams({ host: home.socketFolder, port: "5432" });
  // libpq reads a plus sign as itself, so a space has to be %20.
  const host = query.toString().replaceAll("+", "%20");
  return `postgresql://${encodeURIComponent(user)}@/${encodeURIComponent(database)}?${host}`;
}

/** Creates the database, and its owner as a login role, where they do not exist yet. */
export async function ensureDatabase(adminUrl: string, name: string, owner?: string): Promise<void> {
  await connected(adminUrl, async (client) => {
    if (owner) await create(client, "pg_roles", "rolname", owner, `ROLE ${quoted(owner)} LOGIN`);
    const ownership = owner ? ` OWNER ${quoted(owner)}` : "";
    await create(client, "pg_database", "datname", name, `DATABASE ${quoted(name)}${ownership}`);
  });
}

async function create(
  client: pg.Client,
  catalog: string,
  key: string,
  name: string,
  what: string,
): Promise<void> {
  const { rowCount } = await client.query(`SELECT 1 FROM ${catalog} WHERE ${key} = $1`, [name]);
  if (rowCount) return;
  await client.query(`CREATE ${what}`).catch((error: { code?: string }) => {
    // Created by another caller meanwhile: duplicate database, duplicate role, unique violation.
    if (!["42P04", "42710", "23505"].includes(error.code ?? "")) throw error;
  });
}

function quoted(name: string): string {
  return pg.escapeIdentifier(name);
}
