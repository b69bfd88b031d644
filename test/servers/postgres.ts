/**
 * A real Postgres for tests, one for the whole run: STEWARD_TEST_DATABASE_URL or TEST_DATABASE_URL (a
 * superuser's) if given, else a throw-away server from installed binaries, apt, or the registry's package.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { startEmbeddedPostgres } from "../../src/journal/embedded.ts";
import { systemFolders } from "../../src/journal/embedded-binaries.ts";
import { findOrInstall } from "./apt.ts";
import { keep, runFolder } from "./run.ts";

export interface TestServer {
  /** a superuser's connection string for a database of the server */
  url(database: string): string;
  /** folder of pg_dump and pg_restore; null: those on PATH, if any */
  clientFolder: string | null;
}

export interface TestDatabase {
  name: string;
  url: string;
  /** Drops the database, cutting what is still connected to it. */
  drop(): Promise<void>;
}

let server: Promise<TestServer> | undefined;

/** Creates an empty database; `name` is for people only, the real name is unique. */
export async function testDatabase(name = "test"): Promise<TestDatabase> {
  const { url } = await testServer();
  const unique = `${name
    .replace(/[^a-z0-9]+/gi, "_")
    .toLowerCase()
    .slice(0, 40)}_${randomBytes(6).toString("hex")}`;
  await query(url("postgres"), `CREATE DATABASE ${pg.escapeIdentifier(unique)}`);
  return {
    name: unique,
    url: url(unique),
    drop: () => query(url("postgres"), `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(unique)} WITH (FORCE)`),
  };
}

export function testServer(): Promise<TestServer> {
  server ??= findServer();
  return server;
}

async function findServer(): Promise<TestServer> {
  const given = process.env.STEWARD_TEST_DATABASE_URL ?? process.env.TEST_DATABASE_URL;
  if (given) {
    return { url: (database) => withDatabase(given, database), clientFolder: null };
  }
  // Without apt the package among our dependencies still serves, though without pg_dump.
  await findOrInstall("Postgres 15 or newer", ["postgresql"], async () =>
    (await systemFolders()).length > 0 ? true : null,
  ).catch(() => {});
  const embedded = await startEmbeddedPostgres({
    home: join(await runFolder(), "postgres"),
    settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "200" },
  });
  await keep("postgres", embedded.pid, {
    signal: "SIGQUIT",
    folders: [embedded.folder, embedded.socketFolder],
  });
  return { url: (database) => embedded.url(database), clientFolder: embedded.clientFolder };
}

/** Not by `URL`, which refuses the empty host of a socket's connection string. */
function withDatabase(url: string, database: string): string {
  const match = /^(postgres(?:ql)?:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/.exec(url);
  if (!match)
    throw new Error(`TEST_DATABASE_URL is no postgresql:// URL: ${url.replace(/:[^:@/]*@/, ":***@")}`);
  return `${match[1]}/${database}${match[2] ?? ""}`;
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
