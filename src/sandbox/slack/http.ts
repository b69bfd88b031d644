/** The little HTTP that the stand-in needs: bodies with a limit, JSON, static files, and who may ask at all. */
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";

/** A request that is wrong in itself: HTTP status and a message for the person who wrote it. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const PAGE_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
};

const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data: http: https:; style-src 'self' 'unsafe-inline'; " +
  "base-uri 'none'; frame-ancestors 'none'";

export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) throw new BadRequest(413, `The body is larger than ${limitBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A JSON object; anything else is a BadRequest that says what is wrong. */
export async function readJson(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Record<string, unknown>> {
  const body = await readBody(request, limitBytes);
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new BadRequest(400, `The body is no JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new BadRequest(400, "The body must be a JSON object.");
  return value as Record<string, unknown>;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}

export function sendText(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${body}\n`);
}

/**
 * Why a request is refused, or undefined. A web page from elsewhere must not drive the sandbox: neither by a
 * request of its own origin, nor under a foreign name that was made to point at this machine.
 */
export function refusalOf(request: IncomingMessage): string | undefined {
  const host = request.headers.host ?? "";
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (!["localhost", "127.0.0.1", "[::1]"].includes(name))
    return `Host '${host}' is not this machine; allowed: localhost, 127.0.0.1, [::1].`;
  const origin = request.headers.origin;
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return `Origin '${origin}' may not use the sandbox; allowed: http://${host}.`;
  return undefined;
}

/** Serves one file of `folder`; false when there is none of that name. */
export async function sendPageFile(response: ServerResponse, folder: string, name: string): Promise<boolean> {
  const type = PAGE_TYPES[path.extname(name)];
  const file = path.resolve(folder, name);
  if (!type || !file.startsWith(path.resolve(folder) + path.sep)) return false;
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch {
    return false;
  }
  response.writeHead(200, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": PAGE_POLICY,
  });
  response.end(content);
  return true;
}
