import pg from "pg";
import { StewardError } from "../errors.ts";

/** `connections` are clients' (this one among them); `latencyMs` is one query on an open connection. */
export interface PostgresMeasures {
  version: string;
  connections: number;
  maxConnections: number;
  latencyMs: number;
}

const QUERY = `select current_setting('server_version') as version, current_setting('max_connections')::int as max_connections,
  (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections`;

/**
 * Measures a server over a connection of its own, all within `timeoutMs`.
 * Throws `postgres_login` (the server is there and refuses us), `postgres_timeout` or `postgres_unreachable`.
 */
export async function measurePostgres(url: string, timeoutMs: number): Promise<PostgresMeasures> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs,
    application_name: "steward check",
  });
  // a connection that breaks later is reported by the query that it breaks
  client.on("error", () => {});
  try {
    const began = performance.now();
    await client.connect();
    // what is left of the time; a socket that hangs is cut by it
    const left = Math.max(1, timeoutMs - (performance.now() - began));
    const asked = performance.now();
    const { rows } = await client.query<{ version: string; max_connections: number; connections: number }>({
      text: QUERY,
      query_timeout: left,
    } as pg.QueryConfig);
    const row = rows[0]!;
    const latencyMs = performance.now() - asked;
    return {
      version: row.version.split(" ")[0]!,
      connections: row.connections,
      maxConnections: row.max_connections,
      latencyMs,
    };
  } catch (error) {
    throw explain(error, timeoutMs);
  } finally {
    void client.end().catch(() => {});
  }
}

function explain(error: unknown, timeoutMs: number): StewardError {
  const { code = "", message } = error as { code?: string; message: string };
  const words = (message || String(code)).split("\n")[0]!.slice(0, 200);
  // 28xxx: wrong role or password; 3D000: no such database; 53xxx is the server's own trouble and counts as such
  if (/^28|^3D000/.test(code))
    return new StewardError("postgres_login", `Postgres refuses the login: ${words}`, { cause: error });
  if (/timeout/i.test(words) || code === "57014") {
    return new StewardError("postgres_timeout", `Postgres did not answer within ${timeoutMs / 1000} s`, {
      cause: error,
    });
  }
  const why = code === "ECONNREFUSED" ? "connection refused" : words;
  return new StewardError("postgres_unreachable", `Postgres is not reachable: ${why}`, { cause: error });
}
