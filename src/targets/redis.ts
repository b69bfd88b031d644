import { StewardError } from "../errors.ts";

/** Sizes in bytes; `maxMemory` 0 means no limit. `latencyMs` is one PING on an open connection. */
export interface RedisMeasures {
  version: string;
  latencyMs: number;
  usedMemory: number;
  maxMemory: number;
}

/**
 * Measures a server over a connection of its own, all within `timeoutMs`, never trying again.
 * Throws `redis_login` (the server is there and refuses us), `redis_timeout` or `redis_unreachable`.
 */
export async function measureRedis(url: string, timeoutMs: number): Promise<RedisMeasures> {
  // five megabytes, which a Steward without a Redis to look at need not hold
  const { Redis } = await import("ioredis");
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    enableOfflineQueue: true,
    retryStrategy: () => null,
  });
  let lost: Error | undefined;
  // ioredis says only "Connection is closed" to the command; the reason comes here
  client.on("error", (error: Error) => {
    lost ??= error;
  });
  try {
    await client.connect();
    const began = performance.now();
    await client.ping();
    const latencyMs = performance.now() - began;
    const info = parseInfo(await client.info());
    return {
      version: info.get("redis_version") ?? "unknown",
      latencyMs,
      usedMemory: Number(info.get("used_memory") ?? 0),
      maxMemory: Number(info.get("maxmemory") ?? 0),
    };
  } catch (error) {
    throw explain(error as Error, lost, timeoutMs);
  } finally {
    client.disconnect();
  }
}

function parseInfo(text: string): Map<string, string> {
  return new Map(
    text
      .split("\r\n")
      .flatMap((line) =>
        line.includes(":") ? [[line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]] : [],
      ),
  );
}

function explain(error: Error, lost: Error | undefined, timeoutMs: number): StewardError {
  const reason = lost ?? error;
  const { code = "" } = reason as { code?: string };
  const words = (reason.message || code).split("\n")[0]!.slice(0, 200);
  if (/^(NOAUTH|WRONGPASS|NOPERM)/.test(error.message) || /^(NOAUTH|WRONGPASS|NOPERM)/.test(words)) {
    return new StewardError("redis_login", `Redis refuses the login: ${words}`, { cause: error });
  }
  if (/tim(ed out|eout)/i.test(`${error.message} ${words}`) || code === "ETIMEDOUT") {
    return new StewardError("redis_timeout", `Redis did not answer within ${timeoutMs / 1000} s`, {
      cause: error,
    });
  }
  return new StewardError(
    "redis_unreachable",
    `Redis is not reachable: ${code === "ECONNREFUSED" ? "connection refused" : words}`,
    { cause: error },
  );
}
