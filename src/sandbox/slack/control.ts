/** The control API over HTTP, for the page and for tests in another process: JSON and server-sent events. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { SimpleValues } from "./choices.ts";
import { BadRequest, readJson, sendJson } from "./http.ts";
import type { ClickOptions } from "./interactions.ts";
import { SlackRefusal } from "./refusal.ts";
import type { SlackStandIn } from "./stand-in.ts";

const BODY_LIMIT = 1024 * 1024;
const HEARTBEAT_MS = 15_000;

type Body = Record<string, unknown>;

/** Answers /control/*; false when there is no such route. */
export async function handleControl(
  slack: SlackStandIn,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const route = url.pathname.slice("/control/".length);
  try {
    if (request.method === "GET" && route === "events") return streamChanges(slack, request, response);
    if (request.method === "GET" && Object.hasOwn(READS, route)) {
      sendJson(response, 200, READS[route]?.(slack, url.searchParams));
      return true;
    }
    const deed = request.method === "POST" && Object.hasOwn(DEEDS, route) ? DEEDS[route] : undefined;
    if (!deed) return false;
    sendJson(response, 200, await deed(slack, await readJson(request, BODY_LIMIT)));
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
    sendJson(response, 400, { ok: false, error: error.code });
  }
  return true;
}

const READS: Record<string, (slack: SlackStandIn, query: URLSearchParams) => unknown> = {
  state: (slack) => slack.state(),
  messages: (slack, query) => slack.messages(query.get("channel") ?? "", query.get("as") ?? undefined),
  views: (slack, query) => slack.views(query.get("user") ?? ""),
};

const DEEDS: Record<string, (slack: SlackStandIn, body: Body) => unknown> = {
  command: (slack, body) =>
    slack.command(
      text(body, "user"),
      text(body, "channel"),
      text(body, "command"),
      maybe(body, "text", "string") ?? "",
    ),
  say: (slack, body) =>
    slack.say(
      text(body, "user"),
      text(body, "channel"),
      text(body, "text"),
      maybe(body, "threadTs", "string"),
    ),
  click: (slack, body) =>
    slack.click(
      text(body, "user"),
      text(body, "channel"),
      text(body, "ts"),
      text(body, "actionId"),
      clickOptions(body),
    ),
  shortcut: (slack, body) =>
    slack.shortcut(
      text(body, "user"),
      text(body, "callbackId"),
      maybe<{ channel: string; ts: string }>(body, "message", "object"),
    ),
  "view/submit": (slack, body) =>
    slack.submitView(text(body, "user"), text(body, "viewId"), values(body) ?? {}),
  "view/click": (slack, body) => {
    const given = values(body);
    const options = { ...clickOptions(body), ...(given ? { values: given } : {}) };
    return slack.clickInView(text(body, "user"), text(body, "viewId"), text(body, "actionId"), options);
  },
  "view/close": (slack, body) => slack.closeView(text(body, "user"), text(body, "viewId")),
};

function clickOptions(body: Body): ClickOptions {
  const value = maybe<string>(body, "value", "string");
  const { selected } = body;
  const isChoice = typeof selected === "string" || (Array.isArray(selected) && selected.every(isText));
  if (selected !== undefined && selected !== null && !isChoice)
    throw new BadRequest(400, "'selected' must be the value of an option, or a list of them.");
  const blockId = maybe<string>(body, "blockId", "string");
  return {
    ...(value === undefined ? {} : { value }),
    ...(isChoice ? { selected: selected as string | string[] } : {}),
    ...(blockId === undefined ? {} : { blockId }),
  };
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function values(body: Body): SimpleValues | undefined {
  const given = maybe<Body>(body, "values", "object");
  for (const [blockId, actions] of Object.entries(given ?? {}))
    if (typeof actions !== "object" || actions === null)
      throw new BadRequest(400, `'values.${blockId}' must be an object of action ids.`);
  return given as SimpleValues | undefined;
}

function text(body: Body, name: string): string {
  const value = maybe<string>(body, name, "string");
  if (value === undefined) throw new BadRequest(400, `'${name}' is missing; a text is needed.`);
  return value;
}

function maybe<T = string>(body: Body, name: string, type: "string" | "object"): T | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== type) throw new BadRequest(400, `'${name}' must be of type ${type}.`);
  return value as T;
}

function streamChanges(slack: SlackStandIn, request: IncomingMessage, response: ServerResponse): true {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    connection: "keep-alive",
  });
  response.write(": welcome\n\n");
  const forget = slack.onChange((change) => response.write(`data: ${JSON.stringify(change)}\n\n`));
  const heartbeat = setInterval(() => response.write(": still here\n\n"), HEARTBEAT_MS);
  request.on("close", () => {
    clearInterval(heartbeat);
    forget();
  });
  return true;
}
