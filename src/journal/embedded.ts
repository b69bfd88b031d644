/**
 * The embedded Postgres: a real server of our own, for a Steward without DATABASE_URL. It listens on a unix
 * socket alone, in a folder that only its user and root can enter (hence `trust`), outlives a killed Steward
 * and is adopted again by the next one.
 */
import { findBinaries } from "./embedded-binaries.ts";
import { createData, dataMajor } from "./embedded-data.ts";
import { prepareHome } from "./embedded-home.ts";
import { endServer } from "./embedded-process.ts";
import { connected, connectionString, ensureDatabase, SUPERUSER } from "./embedded-sql.ts";
import { startOrAdopt } from "./embedded-start.ts";

export interface EmbeddedOptions {
  /** STEWARD_HOME, absolute */
  home: string;
  log?: (line: string) => void;
  /** further server settings, such as `{ fsync: "off" }` for a throw-away server */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres {
  /** A connection string for `pg` and for Postgres' own programs; `user` defaults to the superuser. */
  url(database: string, user?: string): string;
  /** folder of `postgres` and `initdb` */
  binFolder: string;
  /** major version of the server */
  version: number;
  /** major version of pg_dump and pg_restore, never older than the server; null: there are none */
  clientVersion: number | null;
  /** folder of pg_dump and pg_restore */
  clientFolder: string | null;
  /** true when the server ran already */
  adopted: boolean;
  /** its process */
  pid: number;
  /** the folder that holds everything of this server */
  folder: string;
  socketFolder: string;
  /** Creates the database, and its owner as a login role, where they do not exist yet. */
  ensureDatabase(name: string, owner?: string): Promise<void>;
  /** Runs one statement on a connection of its own; `user` defaults to the superuser. */
  query(database: string, sql: string, values?: unknown[], user?: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/**
 * Starts the server of a STEWARD_HOME, or adopts it when it runs already; several callers at once end up
 * with the same one. Errors: `postgres_missing`, `postgres_major`, `postgres_folder`, `postgres_user`,
 * `postgres_unsure`, `postgres_start`.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const home = await prepareHome(options.home);
  const binaries = await findBinaries(home, await dataMajor(home));
  await createData(home, binaries, log);
  const { pid, adopted } = await startOrAdopt(home, binaries, options.settings ?? {}, log);

  const url = (database: string, user = SUPERUSER): string => connectionString(home, database, user);
  return {
    url,
    binFolder: binaries.folder,
    version: binaries.major,
    clientVersion: binaries.clientMajor,
    clientFolder: binaries.clientFolder,
    adopted,
    pid,
    folder: home.base,
    socketFolder: home.socketFolder,
    ensureDatabase: (name, owner) => ensureDatabase(url("postgres"), name, owner),
    query: (database, sql, values, user) =>
      connected(url(database, user), async (client) => (await client.query(sql, values)).rows),
    stop: () => endServer(home),
  };
}
