/** Slack's Web API over HTTP: token, scope, arguments, the method, and the faults that tests order. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Fault, Faults } from "./faults.ts";
import type { House } from "./house.ts";
import { BadRequest, readBody, sendJson, sendText } from "./http.ts";
import { methods } from "./methods/index.ts";
import type { Args, Method } from "./methods/method.ts";
import { tokens } from "./people.ts";
import { SlackRefusal } from "./refusal.ts";

const BODY_LIMIT = 4 * 1024 * 1024;
const UPLOAD_LIMIT = 64 * 1024 * 1024;
const LOG_LIMIT = 5_000;
/** arguments that arrive as JSON inside a form */
const JSON_ARGS = ["blocks", "attachments", "view", "metadata", "files"];

export interface ApiCall {
  method: string;
  /** milliseconds since 1970 */
  at: number;
  args: Record<string, unknown>;
}

export class WebApi {
  readonly faults = new Faults();
  #house: House;
  #calls: ApiCall[] = [];

  constructor(house: House) {
    this.#house = house;
  }

  /** The last calls, at most 5,000, oldest first, without their tokens. */
  calls(method?: string): ApiCall[] {
    return this.#calls.filter((call) => method === undefined || call.method === method);
  }

  /** Answers /api/METHOD. */
  async handle(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const { token: argToken, ...args } = await readArgs(request);
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? argToken;
    this.#log({ method: name, at: this.#house.world.now(), args });
    const fault = this.faults.take(name);
    if (fault && !fault.afterCommit) return sendFault(response, fault);
    const answer = await this.#answer(name, args, token);
    if (fault) return sendFault(response, fault);
    sendJson(response, 200, answer.body, answer.headers);
  }

  /** Answers /response/KEY: a `response_url`. */
  async respond(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
    const body = await readArgs(request);
    const fault = this.faults.take("response_url");
    if (fault && !fault.afterCommit) return sendFault(response, fault);
    try {
      this.#house.responseUrls.use(key, body);
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      const gone = ["invalid_url", "used_url", "expired_url"].includes(error.code);
      return sendJson(response, gone ? 404 : 400, error.answer());
    }
    if (fault) return sendFault(response, fault);
    sendJson(response, 200, { ok: true });
  }

  /** Takes the bytes of an upload that files.getUploadURLExternal announced. */
  async upload(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const content = await uploadedBytes(request);
    try {
      this.#house.files.receive(id, content);
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      return sendText(response, 404, error.code);
    }
    sendText(response, 200, `OK - ${content.length}`);
  }

  async #answer(
    name: string,
    args: Args,
    token: unknown,
  ): Promise<{ body: Record<string, unknown>; headers: Record<string, string> }> {
    const headers: Record<string, string> = {};
    try {
      const method = methods.get(name);
      if (!method) throw new SlackRefusal("unknown_method", [], { req_method: name });
      if (method.token !== "none") Object.assign(headers, this.#authorise(method, token));
      return { body: { ok: true, ...(await method.run(args, this.#house)) }, headers };
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      return { body: error.answer(), headers };
    }
  }

  #authorise(method: Method, token: unknown): Record<string, string> {
    if (!token) throw new SlackRefusal("not_authed");
    if (token !== tokens.bot && token !== tokens.app) throw new SlackRefusal("invalid_auth");
    if (token !== tokens[method.token as "bot" | "app"]) throw new SlackRefusal("not_allowed_token_type");
    const granted = method.token === "app" ? ["connections:write"] : this.#house.scopes;
    if (method.scope && !granted.includes(method.scope))
      throw new SlackRefusal("missing_scope", [], { needed: method.scope, provided: granted.join(",") });
    return {
      "x-oauth-scopes": granted.join(","),
      ...(method.scope ? { "x-accepted-oauth-scopes": method.scope } : {}),
    };
  }

  #log(call: ApiCall): void {
    this.#calls.push(call);
    if (this.#calls.length > LOG_LIMIT) this.#calls.shift();
  }
}

async function readArgs(request: IncomingMessage): Promise<Args> {
  const body = (await readBody(request, BODY_LIMIT)).toString("utf8");
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const args: Args = Object.fromEntries(query);
  if ((request.headers["content-type"] ?? "").startsWith("application/json")) {
    try {
      Object.assign(args, JSON.parse(body || "{}"));
    } catch {
      throw new BadRequest(400, "invalid_json");
    }
  } else Object.assign(args, Object.fromEntries(new URLSearchParams(body)));
  for (const name of JSON_ARGS) args[name] = decoded(args[name]);
  return args;
}

function decoded(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    // the method refuses it in its own words
    return value;
  }
}

async function uploadedBytes(request: IncomingMessage): Promise<Buffer> {
  const body = await readBody(request, UPLOAD_LIMIT);
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data")) return body;
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  for (const part of form.values())
    if (typeof part !== "string") return Buffer.from(await part.arrayBuffer());
  throw new BadRequest(400, "no_file_data");
}

function sendFault(response: ServerResponse, fault: Fault): void {
  if (fault.status === 0) {
    response.destroy();
  } else if (fault.status === 429 || fault.retryAfterSeconds !== undefined) {
    const seconds = String(fault.retryAfterSeconds ?? 1);
    sendJson(response, 429, { ok: false, error: "ratelimited" }, { "retry-after": seconds });
  } else {
    sendJson(response, fault.status ?? 200, { ok: false, error: fault.error ?? "internal_error" });
  }
}
