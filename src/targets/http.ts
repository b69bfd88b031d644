import { Client } from "undici";
import { StewardError } from "../errors.ts";

/** `latencyMs` is until the headers came; `body` is at most 64 KiB, `truncated` when there was more. */
export interface Probe {
  status: number;
  latencyMs: number;
  body: string;
  truncated: boolean;
  headers: Record<string, string>;
}

const BODY_LIMIT = 64 * 1024;

/**
 * One GET over a connection of its own, redirects not followed: what is measured is this URL, now.
 * Throws `http_refused`, `http_timeout`, `http_dns`, `http_tls` or `http_failed`, one short sentence each.
 */
export async function probe(
  url: string,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<Probe> {
  const target = new URL(url);
  const { timeoutMs } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const client = new Client(target.origin, {
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const began = performance.now();
  try {
    const response = await client.request({
      method: "GET",
      path: target.pathname + target.search,
      headers: { "user-agent": "steward", accept: "*/*", ...authorization(target) },
      reset: true,
      signal,
    });
    const latencyMs = performance.now() - began;
    const { body, truncated } = await readBody(response.body);
    return { status: response.statusCode, latencyMs, body, truncated, headers: flat(response.headers) };
  } catch (error) {
    if (options.signal?.aborted && !timeout.aborted) throw error;
    throw explain(error, showUrl(url), timeout.aborted, timeoutMs);
  } finally {
    void client.destroy().catch(() => {});
  }
}

/** The URL as it may be shown: no user, no password, no query. */
export function showUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

async function readBody(stream: AsyncIterable<Buffer>): Promise<{ body: string; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) break;
  }
  return { body: Buffer.concat(chunks).subarray(0, BODY_LIMIT).toString(), truncated: bytes > BODY_LIMIT };
}

function authorization(target: URL): Record<string, string> {
  if (!target.username) return {};
  const pair = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function explain(error: unknown, url: string, timedOut: boolean, timeoutMs: number): StewardError {
  const code = codeOf(error);
  const say = (kind: string, what: string) => new StewardError(kind, `GET ${url}: ${what}`, { cause: error });
  if (timedOut || /TIMEOUT|ETIMEDOUT/.test(code))
    return say("http_timeout", `no answer within ${timeoutMs / 1000} s`);
  if (code === "ECONNREFUSED") return say("http_refused", "connection refused");
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return say("http_dns", `the name ${new URL(url).hostname} cannot be resolved`);
  if (/^ERR_(TLS|SSL)|CERT|SELF_SIGNED|^EPROTO$/.test(code))
    return say("http_tls", `no TLS connection: ${firstLine(error)}`);
  if (code === "UND_ERR_SOCKET" || code === "ECONNRESET")
    return say("http_failed", "the connection was closed before an answer came");
  return say("http_failed", firstLine(error));
}

function codeOf(error: unknown): string {
  const { code, cause, errors } = error as {
    code?: string;
    cause?: { code?: string };
    errors?: { code?: string }[];
  };
  return String(code ?? errors?.[0]?.code ?? cause?.code ?? "");
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!.slice(0, 200);
}
