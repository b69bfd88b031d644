import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startSlack } from "../../../src/sandbox/slack/server.ts";
import { boltApp, refusal, standIn, webClient } from "./harness.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stand-in-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("messages, channels and files outlive a stop, ephemerals do not, and time goes on", async () => {
  const statePath = path.join(folder, "kept", "slack.json");
  const first = await startSlack({ port: 0, statePath });
  const client = webClient(first);
  const posted = await client.chat.postMessage({ channel: "C0OPS", text: "kept" });
  await client.chat.postEphemeral({ channel: "C0OPS", user: "U0OLGA", text: "gone" });
  await client.filesUploadV2({ channel_id: "C0OPS", filename: "a.md", content: "# hi" });
  first.addChannel({ id: "C0NEW", name: "new", topic: "", members: ["U0OLGA"] });
  await first.stop();
  const second = await standIn({ statePath, now: () => 1 });
  const messages = second.messages("C0OPS", "U0OLGA");
  expect(messages.map((message) => message.text)).toEqual(["kept", ""]);
  expect(second.state().channels.map((channel) => channel.name)).toContain("new");
  const file = await fetch(`${second.url}/files/${messages[1]?.files?.[0]?.id}`);
  expect(await file.text()).toBe("# hi");
  await webClient(second).chat.update({ channel: "C0OPS", ts: posted.ts ?? "", text: "edited" });
  const next = second.say("U0OLGA", "C0OPS", "later");
  expect(Number(next.ts)).toBeGreaterThan(Number(messages[1]?.ts));
});

test("a change is on disk soon after it, without a stop", async () => {
  const statePath = path.join(folder, "soon.json");
  const slack = await standIn({ statePath });
  slack.say("U0OLGA", "C0OPS", "hello");
  await expect.poll(() => readdir(folder), { timeout: 2_000 }).toContain("soon.json");
});

test("a snapshot that cannot be read stops the start and says which file", async () => {
  const statePath = path.join(folder, "broken.json");
  await writeFile(statePath, "{ half");
  await expect(startSlack({ port: 0, statePath })).rejects.toMatchObject({
    code: "sandbox_state_unreadable",
    message: expect.stringContaining(statePath),
  });
});

test("a taken port is an error that names it", async () => {
  const slack = await standIn();
  const port = Number(new URL(slack.url).port);
  await expect(startSlack({ port })).rejects.toMatchObject({ code: "EADDRINUSE", port });
});

test("it answers on both names of this machine", async () => {
  const slack = await standIn();
  for (const host of ["localhost", "127.0.0.1"]) {
    const response = await fetch(`http://${host}:${new URL(slack.url).port}/control/state`);
    expect(await response.json()).toMatchObject({ connections: 0, team: { id: "T0SANDBOX" } });
  }
});

test("another web page cannot drive it: foreign origins and foreign host names are refused", async () => {
  const slack = await standIn();
  const body = JSON.stringify({ user: "U0OLGA", channel: "C0OPS", text: "hi" });
  const say = (origin: string) =>
    fetch(`${slack.url}/control/say`, { method: "POST", body, headers: { origin } });
  expect((await say("https://evil.example")).status).toBe(403);
  expect((await say("http://localhost:1")).status).toBe(403);
  expect((await say("null")).status).toBe(403);
  expect(slack.messages("C0OPS")).toEqual([]);
  expect((await say(slack.url)).status).toBe(200);
  const { port } = new URL(slack.url);
  const status = await new Promise((resolve) => {
    const headers = { host: `evil.example:${port}` };
    request({ host: "127.0.0.1", port, path: "/control/state", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
  expect(status).toBe(403);
});

test("the control API does what a person does, and says what is wrong with a bad request", async () => {
  const slack = await standIn();
  await boltApp(slack, (app) => app.command("/ops", async ({ ack }) => void (await ack("pong"))));
  const post = async (route: string, body: unknown, raw = JSON.stringify(body)) => {
    const response = await fetch(`${slack.url}/control/${route}`, { method: "POST", body: raw });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const by = { user: "U0OLGA", channel: "C0OPS" };
  expect((await post("say", { ...by, text: "a < b" })).body).toMatchObject({
    text: "a &lt; b",
    user: "U0OLGA",
  });
  expect((await post("command", { ...by, command: "/ops", text: "ping" })).body).toMatchObject({ ok: true });
  const seen = await (await fetch(`${slack.url}/control/messages?channel=C0OPS&as=U0OLGA`)).json();
  expect(seen).toMatchObject([{ text: "a &lt; b" }, { text: "pong", ephemeralFor: "U0OLGA" }]);
  expect((await post("click", { ...by, ts: "1.1", actionId: "x" })).body).toMatchObject({
    error: "no_such_action",
  });
  expect(await post("say", {}, "{ nope")).toMatchObject({ status: 400, body: { message: /no JSON/ } });
  expect(await post("say", by)).toMatchObject({
    status: 400,
    body: { message: "'text' is missing; a text is needed." },
  });
  expect(await post("say", { ...by, text: 7 })).toMatchObject({ status: 400 });
  expect(await post("say", { ...by, user: "U0X", text: "x" })).toMatchObject({
    status: 400,
    body: { error: "user_not_found" },
  });
  expect(await post("say", { ...by, text: "x".repeat(1024 * 1024) })).toMatchObject({ status: 413 });
  expect((await fetch(`${slack.url}/control/messages?channel=nope`)).status).toBe(400);
  expect((await post("constructor", {})).status).toBe(404);
});

test("changes are streamed to the page", async () => {
  const slack = await standIn();
  const response = await fetch(`${slack.url}/control/events`);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  slack.say("U0BEA", "C0OPS", "hello");
  const { value } = await reader.read();
  expect(JSON.parse((value ?? "").replace("data: ", ""))).toMatchObject({
    type: "message",
    message: { text: "hello" },
  });
  await reader.cancel();
});

test("page files are served from their folder alone, other routes go to the sandbox", async () => {
  await writeFile(path.join(folder, "index.html"), "<h1>page</h1>");
  await writeFile(path.join(folder, "app.js"), "export {};");
  await writeFile(path.join(path.dirname(folder), "outside.js"), "secret");
  const slack = await standIn({
    pageFolder: folder,
    async routes(_request, response, url) {
      if (url.pathname !== "/demo/status") return false;
      response.end("demo");
      return true;
    },
  });
  const get = async (at: string) => (await fetch(`${slack.url}${at}`)).text();
  expect(await get("/")).toBe("<h1>page</h1>");
  expect((await fetch(`${slack.url}/page/app.js`)).headers.get("content-type")).toContain("text/javascript");
  expect(await get("/demo/status")).toBe("demo");
  for (const at of ["/page/..%2Foutside.js", "/page/%2e%2e/outside.js", "/page/%zz", "/nothing"])
    expect(await get(at)).not.toContain("secret");
  await rm(path.join(path.dirname(folder), "outside.js"));
});

test.each(["refresh_requested", "drop"] as const)(
  "an app comes back after a %s of its socket",
  async (kind) => {
    const slack = await standIn();
    await boltApp(slack, (app) => app.command("/ops", async ({ ack }) => void (await ack())), 1_000);
    slack.disconnect(kind);
    await slack.until("no socket", () => slack.state().connections === 0);
    await slack.until("a new socket", () => slack.state().connections === 1, 10_000);
    expect(await slack.command("U0OLGA", "C0OPS", "/ops", "x")).toMatchObject({ ok: true });
  },
);

test("a ticket opens one socket, and the eleventh socket is sent away", async () => {
  const slack = await standIn();
  const { apps } = webClient(slack, slack.appToken);
  const newUrl = async () => (await apps.connections.open()).url ?? "";
  const url = await newUrl();
  expect(await firstFrame(url)).toMatchObject({
    type: "hello",
    num_connections: 1,
    connection_info: { app_id: "A0STEWARD" },
  });
  await expect(firstFrame(url)).rejects.toThrow("refused");
  for (let count = 2; count <= 10; count += 1) await firstFrame(await newUrl());
  expect(await firstFrame(await newUrl())).toMatchObject({
    type: "disconnect",
    reason: "too_many_websockets",
  });
  expect(slack.state().connections).toBe(10);
});

const opened: WebSocket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close();
});

function firstFrame(url: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    opened.push(socket);
    socket.onmessage = (event) => resolve(JSON.parse(String(event.data)));
    socket.onerror = () => reject(new Error("refused"));
  });
}

test("a stopped stand-in leaves no port open", async () => {
  const slack = await startSlack({ port: 0 });
  await slack.stop();
  expect(await refusal(fetch(slack.url))).toMatch(/fetch failed/);
});
