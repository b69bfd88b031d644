import { expect, test } from "vitest";
import { plain, refusal, standIn, webClient } from "./harness.ts";

test("tokens are checked: none, wrong, of the wrong kind", async () => {
  const slack = await standIn();
  const call = async (method: string, headers = {}) =>
    (await (await fetch(`${slack.apiUrl}${method}`, { method: "POST", headers })).json()) as {
      error?: string;
    };
  expect(await call("auth.test")).toMatchObject({ ok: false, error: "not_authed" });
  expect(await refusal(webClient(slack, "xoxb-wrong").auth.test())).toBe("invalid_auth");
  expect(await refusal(webClient(slack).apps.connections.open())).toBe("not_allowed_token_type");
  expect(await refusal(webClient(slack, slack.appToken).auth.test())).toBe("not_allowed_token_type");
  expect(await refusal(webClient(slack).apiCall("chat.explode"))).toBe("unknown_method");
  expect(await call("api.test")).toMatchObject({ ok: true });
});

test("auth.test says who the app is and what it was granted", async () => {
  const slack = await standIn();
  const answer = await webClient(slack).auth.test();
  expect(answer).toMatchObject({ team_id: "T0SANDBOX", user_id: "U0STEWARD", bot_id: "B0STEWARD" });
  expect(answer.response_metadata?.scopes).toContain("chat:write");
});

test("a method whose scope was not granted is refused with missing_scope", async () => {
  const slack = await standIn({ scopes: ["commands"] });
  expect(await refusal(webClient(slack).chat.postMessage({ channel: "C0OPS", text: "x" }))).toBe(
    "missing_scope",
  );
});

test("chat methods refuse as Slack does", async () => {
  const slack = await standIn();
  const { chat } = webClient(slack);
  slack.addChannel({ id: "C0X", name: "elsewhere", topic: "", members: ["U0OLGA"] });
  const { ts = "" } = await chat.postMessage({ channel: "ops", text: "x".repeat(40_000) });
  const human = slack.say("U0OLGA", "C0OPS", "mine");
  const { message_ts: ephemeral = "" } = await chat.postEphemeral({
    channel: "C0OPS",
    user: "U0GUS",
    text: "e",
  });
  const channel = "C0OPS";
  const cases: [Promise<unknown>, string][] = [
    [chat.postMessage({ channel: "C0NONE", text: "x" }), "channel_not_found"],
    [chat.postMessage({ channel: "elsewhere", text: "x" }), "not_in_channel"],
    [chat.postMessage({ channel, text: "" }), "no_text"],
    [chat.postMessage({ channel, text: "x".repeat(40_001) }), "msg_too_long"],
    [chat.postMessage({ channel, text: "x", thread_ts: "1.000001" }), "thread_not_found"],
    [chat.postMessage({ channel, text: "x", blocks: [{ type: "hologram" }] }), "invalid_blocks"],
    [chat.postMessage({ channel, text: "x", blocks: "nope" as never }), "invalid_blocks_format"],
    [chat.postMessage({ channel, text: "x", metadata: {} as never }), "invalid_metadata_format"],
    [
      chat.postMessage({
        channel,
        text: "x",
        metadata: { event_type: "row", event_payload: { big: "x".repeat(16_000) } },
      }),
      "metadata_too_large",
    ],
    [chat.update({ channel, ts: "1.000001", text: "x" }), "message_not_found"],
    [chat.update({ channel, ts: ephemeral, text: "x" }), "message_not_found"],
    [chat.update({ channel, ts: human.ts, text: "x" }), "cant_update_message"],
    [chat.update({ channel, ts, text: "x".repeat(4_001) }), "msg_too_long"],
    [chat.delete({ channel, ts: human.ts }), "cant_delete_message"],
    [chat.postEphemeral({ channel: "elsewhere", user: "U0OLGA", text: "x" }), "not_in_channel"],
  ];
  // all are awaited at once: one that is refused before its turn would count as unhandled
  const refusals = await Promise.all(cases.map(([call]) => refusal(call)));
  expect(refusals).toEqual(cases.map(([, error]) => error));
  await webClient(slack).conversations.join({ channel: "C0X" });
  expect(await refusal(chat.postEphemeral({ channel: "elsewhere", user: "U0GUS", text: "x" }))).toBe(
    "user_not_in_channel",
  );
});

test("what is refused says where, for Slack's own builder of blocks", async () => {
  const slack = await standIn();
  const blocks = [{ type: "header" as const, text: plain("x".repeat(151)) }];
  const error = await webClient(slack)
    .chat.postMessage({ channel: "C0OPS", text: "x", blocks })
    .catch((thrown) => thrown);
  expect(error.data.response_metadata.messages).toEqual([
    "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]",
  ]);
});

test("a posted message is found again by its metadata, a reply in its thread", async () => {
  const slack = await standIn();
  const { chat, conversations } = webClient(slack);
  const metadata = { event_type: "steward_row", event_payload: { row: 7 } };
  const posted = await chat.postMessage({ channel: "C0OPS", text: "root", metadata });
  const root = posted.ts ?? "";
  const reply = await chat.postMessage({ channel: "C0OPS", text: "reply", thread_ts: root });
  const nested = await chat.postMessage({ channel: "C0OPS", text: "deeper", thread_ts: reply.ts });
  const history = await conversations.history({ channel: "C0OPS", include_all_metadata: true });
  expect(history.messages).toMatchObject([{ text: "root", reply_count: 2, metadata, bot_id: "B0STEWARD" }]);
  const thread = await conversations.replies({ channel: "C0OPS", ts: root });
  expect(thread.messages?.map((message) => message.text)).toEqual(["root", "reply", "deeper"]);
  expect(nested.message?.thread_ts).toBe(root);
  const later = await conversations.history({ channel: "C0OPS", oldest: root });
  expect(later.messages).toEqual([]);
  const { permalink } = await chat.getPermalink({ channel: "C0OPS", message_ts: root });
  expect(permalink).toBe(`${slack.url}/archives/C0OPS/p${root.replace(".", "")}`);
});

test("history comes newest first, a page at a time", async () => {
  const slack = await standIn();
  for (let i = 0; i < 5; i += 1) slack.say("U0OLGA", "C0OPS", `m${i}`);
  const pages: string[][] = [];
  for await (const page of webClient(slack).paginate("conversations.history", { channel: "C0OPS", limit: 2 }))
    pages.push((page as unknown as { messages: { text: string }[] }).messages.map((message) => message.text));
  expect(pages).toEqual([["m4", "m3"], ["m2", "m1"], ["m0"]]);
});

test("people, groups and channels are there: a guest is restricted, the approvers are two", async () => {
  const slack = await standIn();
  const { users, usergroups, conversations } = webClient(slack);
  expect((await users.info({ user: "U0GUS" })).user).toMatchObject({ is_restricted: true, name: "gus" });
  expect((await users.info({ user: "U0STEWARD" })).user).toMatchObject({
    is_bot: true,
    is_restricted: false,
  });
  expect((await users.list({})).members).toHaveLength(5);
  expect((await usergroups.list()).usergroups).toMatchObject([{ id: "S0APPROVERS", handle: "approvers" }]);
  expect((await usergroups.users.list({ usergroup: "S0APPROVERS" })).users).toEqual(["U0AMIR", "U0BEA"]);
  const { channels } = await conversations.list({});
  expect(channels?.map((channel) => channel.name)).toEqual(["ops", "incidents", "general"]);
  expect((await conversations.info({ channel: "C0OPS" })).channel).toMatchObject({ is_ext_shared: false });
});

test("an uploaded file is posted in its thread and can be fetched, harmless in a browser", async () => {
  const slack = await standIn();
  const client = webClient(slack);
  const { ts = "" } = await client.chat.postMessage({ channel: "C0OPS", text: "run 7" });
  await client.filesUploadV2({
    channel_id: "C0OPS",
    thread_ts: ts,
    initial_comment: "the whole output",
    filename: "output.txt",
    title: "Output",
    content: "<script>line 1</script>\n",
  });
  const message = slack.messages("C0OPS").at(-1);
  const file = message?.files?.[0];
  expect(message).toMatchObject({ threadTs: ts, text: "the whole output" });
  expect(file).toMatchObject({ name: "output.txt", title: "Output", mimetype: "text/plain", size: 24 });
  const response = await fetch(`${slack.url}/files/${file?.id}`);
  expect(await response.text()).toBe("<script>line 1</script>\n");
  expect(response.headers.get("content-type")).toContain("text/plain");
  expect(response.headers.get("content-security-policy")).toContain("sandbox");
  expect((await fetch(`${slack.url}/files/..%2F..%2Fetc%2Fpasswd`)).status).toBe(404);
});

test("ordered faults: a code, 429 with Retry-After, 5xx before and after the deed, a cut connection", async () => {
  const slack = await standIn();
  const client = webClient(slack);
  const post = (text: string) => client.chat.postMessage({ channel: "C0OPS", text });
  slack.failNext("chat.postMessage", { error: "fatal_error", times: 2 });
  expect([await refusal(post("1")), await refusal(post("2"))]).toEqual(["fatal_error", "fatal_error"]);
  slack.failNext("chat.postMessage", { status: 429, retryAfterSeconds: 7 });
  await expect(post("3")).rejects.toMatchObject({ retryAfter: 7 });
  slack.failNext("chat.postMessage", { status: 503 });
  await expect(post("4")).rejects.toMatchObject({ statusCode: 503 });
  slack.failNext("chat.postMessage", { status: 0, afterCommit: true });
  await expect(post("5")).rejects.toThrow();
  slack.failNext("*", { status: 500, afterCommit: true });
  await expect(post("6")).rejects.toMatchObject({ statusCode: 500 });
  await post("7");
  expect(slack.messages("C0OPS").map((message) => message.text)).toEqual(["5", "6", "7"]);
  expect(slack.apiCalls("chat.postMessage")).toHaveLength(7);
  expect(slack.apiCalls("chat.postMessage")[0]?.args).toMatchObject({ channel: "C0OPS", text: "1" });
});

test("pins, reactions and bookmarks want something to be there", async () => {
  const slack = await standIn();
  const { pins, reactions, bookmarks } = webClient(slack);
  const { ts } = slack.say("U0OLGA", "C0OPS", "x");
  expect(await pins.add({ channel: "C0OPS", timestamp: ts })).toMatchObject({ ok: true });
  expect(await reactions.add({ channel: "C0OPS", timestamp: ts, name: "eyes" })).toMatchObject({ ok: true });
  expect(await refusal(reactions.add({ channel: "C0OPS", timestamp: "1.1", name: "eyes" }))).toBe(
    "message_not_found",
  );
  const link = "https://example.org";
  expect(await bookmarks.add({ channel_id: "C0OPS", title: "t", type: "link", link })).toMatchObject({
    ok: true,
  });
});
