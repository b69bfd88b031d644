import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import pg from "pg";
import { StewardError } from "../errors.ts";

/** Anything a query can be sent to: the journal itself, or the transaction one is in. */
export interface Db {
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    /** with a name it is prepared once a connection: for what every step or reading needs */
    text: string | { name: string; text: string },
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

/** The journal's connections. `holder` names this process wherever a claim is written. */
export interface Journal extends Db {
  readonly holder: string;
  readonly pool: pg.Pool;
  /** `changed` fires when any replica committed a change that may concern the publisher or the dispatcher */
  readonly wake: EventEmitter<{ messages: []; intents: [] }>;
  close(): Promise<void>;
}

const CHANNEL = "steward";
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Opens the journal at `url`, brings its schema up to date and starts listening.
 * Throws `journal_unreachable` with the server's own words.
 */
export async function openJournal(url: string, onError: (error: Error) => void): Promise<Journal> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    options: "-c search_path=steward",
    application_name: "steward",
  });
  let closing = false;
  // an idle connection that the server ends while we are closing is no news
  pool.on("error", (error) => {
    if (!closing) onError(error);
  });
  try {
    await migrate(pool);
  } catch (cause) {
    await pool.end();
    throw new StewardError(
      "journal_unreachable",
      `The journal cannot be opened: ${(cause as Error).message}`,
      {
        hint: "Check DATABASE_URL and that the server is up and lets this role create a schema.",
        cause,
      },
    );
  }
  const wake = new EventEmitter<{ messages: []; intents: [] }>();
  wake.setMaxListeners(50);
  const stopListening = listen(url, wake, onError);
  return {
    holder: `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`,
    pool,
    wake,
    query: (text, values) => pool.query(text, values),
    async close() {
      closing = true;
      await stopListening();
      await pool.end();
    },
  };
}

/** Runs `work` in one transaction: all of it happens or none. */
export async function transaction<T>(journal: Journal, work: (tx: Db) => Promise<T>): Promise<T> {
  const client = await journal.pool.connect();
  let lost: Error | undefined;
  // lost between two queries: unheard that would end the process
  const onLost = (error: Error) => {
    lost ??= error;
  };
  client.on("error", onLost);
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    // why it was lost, and not that the next query came too late
    const cause = lost ?? error;
    await client.query("rollback").catch(onLost);
    throw cause;
  } finally {
    client.off("error", onLost);
    client.release(lost);
  }
}

/**
 * Repeats `work` while the server is away (restart, failover), so that a step is not failed because the
 * journal was: waits 0.2 s, doubling to 5 s, until `signal` says stop. Other errors pass through at once.
 */
export async function whileAway<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

/** Whether the error says that the server is down, starting, stopping or out of reach. */
export function isAway(error: unknown): boolean {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  return (
    /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|57P0[123]|08\w{3})$/.test(code) ||
    /Connection terminated|terminating connection|the database system is/.test(message)
  );
}

/** Tells every replica, at commit, that something of this kind is to be done. */
export async function notify(db: Db, what: "messages" | "intents"): Promise<void> {
  await db.query("select pg_notify($1, $2)", [CHANNEL, what]);
}

/** Applies the files of migrations/ that were not applied yet, one transaction each, one replica at a time. */
async function migrate(pool: pg.Pool): Promise<void> {
  const folder = new URL("migrations/", import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  const client = await pool.connect();
  try {
    await client.query("select pg_advisory_lock(hashtext('steward migrations'))");
    await client.query("create schema if not exists steward");
    await client.query(
      "create table if not exists steward.migrations (name text primary key, at timestamptz not null default now())",
    );
    const done = await client.query<{ name: string }>("select name from steward.migrations");
    const applied = new Set(done.rows.map((row) => row.name));
    for (const file of files.filter((name) => !applied.has(name))) {
      await client.query("begin");
      await client.query(await readFile(new URL(file, folder), "utf8"));
      await client.query("insert into steward.migrations (name) values ($1)", [file]);
      await client.query("commit");
    }
    await client.query("select pg_advisory_unlock(hashtext('steward migrations'))");
    client.release();
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}

/** One connection that listens, made anew whenever it is lost; after each (re)start everything is looked at once. */
function listen(url: string, wake: Journal["wake"], onError: (error: Error) => void): () => Promise<void> {
  let stopped = false;
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  const connect = async () => {
    const next = new pg.Client({
      connectionString: url,
      application_name: "steward listener",
      keepAlive: true,
    });
    client = next;
    next.on("error", onError);
    next.on("end", () => {
      if (!stopped) retry = setTimeout(() => void connect(), 500);
    });
    next.on("notification", ({ payload }) => {
      if (payload === "messages" || payload === "intents") wake.emit(payload);
    });
    try {
      await next.connect();
      await next.query(`listen ${CHANNEL}`);
      for (const kind of ["messages", "intents"] as const) wake.emit(kind);
    } catch (error) {
      if (stopped) return;
      onError(error as Error);
      // a refused connection does not always emit "end": the timer is set once, here or there
      clearTimeout(retry);
      retry = setTimeout(() => void connect(), 500);
    }
  };
  const first = connect();
  return async () => {
    stopped = true;
    clearTimeout(retry);
    await first;
    await client?.end();
  };
}
