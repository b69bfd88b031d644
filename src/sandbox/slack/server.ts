/** The local stand-in for Slack: puts its parts together and serves them on loopback. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { handleControl } from "./control.ts";
import { Files } from "./files.ts";
import type { House } from "./house.ts";
import { BadRequest, refusalOf, sendJson, sendPageFile, sendText } from "./http.ts";
import { clickMessage, sayMessage, sendCommand, sendShortcut } from "./interactions.ts";
import { clickModal, closeModal, submitModal } from "./modal-interactions.ts";
import { grantedScopes, team, tokens } from "./people.ts";
import { SlackRefusal } from "./refusal.ts";
import { ResponseUrls } from "./response-urls.ts";
import { keepSnapshot } from "./snapshot.ts";
import { Sockets } from "./sockets.ts";
import type { SlackStandIn, SlackStandInOptions } from "./stand-in.ts";
import { Triggers } from "./triggers.ts";
import type { InteractionResult } from "./types.ts";
import { until } from "./until.ts";
import { publicView, Views } from "./views.ts";
import { WebApi } from "./web-api.ts";
import { World } from "./world.ts";

export { SlackRefusal } from "./refusal.ts";
export type { SlackStandIn, SlackStandInOptions } from "./stand-in.ts";

/** Starts it. A port that is taken rejects with Node's own EADDRINUSE error. */
export async function startSlack(options: SlackStandInOptions): Promise<SlackStandIn> {
  const house = build(options);
  const keeper = options.statePath ? await keepSnapshot(house.world, options.statePath) : undefined;
  const api = new WebApi(house);
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch((error) => sendFailure(response, error));
  };
  const servers = await listen(options.port, handle, (request, socket, head) =>
    house.sockets.upgrade(request, socket, head),
  );
  house.url = `http://localhost:${(servers[0]!.address() as AddressInfo).port}`;
  const slack = offer(house, api, async () => {
    await house.sockets.stop();
    await Promise.all(servers.map(close));
    await keeper?.stop();
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = refusalOf(request);
    if (refused) return sendJson(response, 403, { ok: false, error: "forbidden", message: refused });
    const url = new URL(request.url ?? "/", house.url);
    const [, first = "", second = ""] = url.pathname.split("/");
    if (first === "api") return api.handle(request, response, url.pathname.slice("/api/".length));
    if (first === "response" && request.method === "POST") return api.respond(request, response, second);
    if (first === "upload" && request.method === "POST") return api.upload(request, response, second);
    if (first === "control" && (await handleControl(slack, request, response, url))) return;
    if (first === "files" && (await sendFile(house.files, response, second))) return;
    if (first === "archives") return redirect(response, `/#${url.pathname.slice("/archives/".length)}`);
    if (options.pageFolder && request.method === "GET" && (first === "" || first === "page")) {
      const name = first === "" ? "index.html" : url.pathname.slice("/page/".length);
      if (await sendPageFile(response, options.pageFolder, name)) return;
    }
    if (await options.routes?.(request, response, url)) return;
    sendJson(response, 404, { ok: false, error: "not_found", message: `Nothing at ${url.pathname}.` });
  }

  return slack;
}

function build(options: SlackStandInOptions): House {
  const world = new World(options.now);
  const { statePath } = options;
  return {
    world,
    views: new Views(world),
    files: new Files(statePath && path.resolve(`${statePath}.files`)),
    sockets: new Sockets({
      ackTimeoutMs: options.ackTimeoutMs ?? 3_000,
      onCount: (count) => world.tell({ type: "connections", count }),
    }),
    triggers: new Triggers(world.now),
    responseUrls: new ResponseUrls(world),
    commands: options.commands ?? ["/ops"],
    scopes: options.scopes ?? grantedScopes,
    url: "",
  };
}

function offer(house: House, api: WebApi, stop: () => Promise<void>): SlackStandIn {
  const { world, views, sockets } = house;
  return {
    url: house.url,
    apiUrl: `${house.url}/api/`,
    botToken: tokens.bot,
    appToken: tokens.app,
    state: () => ({
      team: { id: team.id, name: team.name },
      people: [...world.people.values()],
      channels: [...world.channels.values()],
      userGroups: world.userGroups.map(({ id, handle }) => ({ id, handle })),
      connections: sockets.count,
    }),
    addPerson: (person) => void world.people.set(person.id, person),
    setUserGroup: (id, users) => world.setUserGroup(id, users),
    addChannel: (channel) => void world.addChannel(channel),
    messages: (channelId, asUser) => world.messages(channelId, asUser),
    command: (user, channel, command, text) =>
      settled(() => sendCommand(house, { user, channel }, command, text)),
    say: (user, channel, text, threadTs) => sayMessage(house, { user, channel }, text, threadTs),
    click: (user, channel, ts, actionId, click) =>
      settled(() => clickMessage(house, { user, channel }, ts, actionId, click)),
    shortcut: (user, callbackId, message) => settled(() => sendShortcut(house, user, callbackId, message)),
    views: (user) => views.stack(user).map(publicView),
    submitView: (user, viewId, values) => settled(() => submitModal(house, user, viewId, values)),
    clickInView: (user, viewId, actionId, click) =>
      settled(() => clickModal(house, user, viewId, actionId, click)),
    closeView: (user, viewId) => settled(() => closeModal(house, user, viewId)),
    until: (what, find, timeoutMs) => until(world, what, find, timeoutMs),
    onChange: (listener) => world.onChange(listener),
    apiCalls: (method) => api.calls(method),
    failNext: (method, how) => api.faults.order(method, how),
    disconnect: (kind = "refresh_requested") => sockets.disconnect(kind),
    stop,
  };
}

/** A refusal as the person would see it: a result, not an exception. */
async function settled(deed: () => Promise<InteractionResult>): Promise<InteractionResult> {
  try {
    return await deed();
  } catch (error) {
    if (error instanceof SlackRefusal) return { ok: false, error: error.code };
    throw error;
  }
}

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Both loopback addresses: "localhost" is ::1 for some clients and 127.0.0.1 for others. */
async function listen(port: number, handle: Handler, upgrade: Upgrade): Promise<Server[]> {
  for (let attempt = 1; ; attempt += 1) {
    const first = await listenOn("127.0.0.1", port, handle, upgrade);
    try {
      const taken = (first.address() as AddressInfo).port;
      return [first, await listenOn("::1", taken, handle, upgrade)];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // a machine without IPv6
      if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return [first];
      await close(first);
      if (port !== 0 || attempt === 5) throw error;
    }
  }
}

function listenOn(host: string, port: number, handle: Handler, upgrade: Upgrade): Promise<Server> {
  // longer than clients keep idle connections, so that none is closed under a request
  const server = createServer({ keepAliveTimeout: 65_000 }, handle);
  server.on("upgrade", upgrade);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function sendFile(files: Files, response: ServerResponse, id: string): Promise<boolean> {
  const file = await files.read(id);
  if (!file) return false;
  response.writeHead(200, {
    "content-type": file.type.startsWith("text/") ? "text/plain; charset=utf-8" : file.type,
    "content-length": file.content.length,
    "x-content-type-options": "nosniff",
    // an uploaded page or picture must not run as a part of ours
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
  });
  response.end(file.content);
  return true;
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(302, { location: to });
  response.end();
}

function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (error instanceof BadRequest) {
    sendJson(response, error.status, { ok: false, error: "bad_request", message: error.message });
    return;
  }
  process.stderr.write(`sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
  sendText(response, 500, "internal_error");
}
