import type { BlockAction, ButtonAction, SlashCommand } from "@slack/bolt";
import { expect, test } from "vitest";
import { boltApp, button, plain, refusal, standIn, webClient } from "./harness.ts";

test("a slash command reaches the app escaped, with names as ids, and its ack shows to that person alone", async () => {
  const slack = await standIn();
  let seen: SlashCommand | undefined;
  await boltApp(slack, (app) => {
    app.command("/ops", async ({ ack, command }) => {
      seen = command;
      await ack(`heard ${command.text}`);
    });
  });
  const result = await slack.command("U0OLGA", "C0OPS", "/ops", "tell @Amir & #incidents <!channel> a@amir");
  expect(result).toMatchObject({ ok: true, ackMs: expect.any(Number) });
  expect(seen).toMatchObject({
    text: "tell <@U0AMIR|amir> &amp; <#C0INCIDENTS|incidents> &lt;!channel&gt; a@amir",
    user_id: "U0OLGA",
    user_name: "olga",
    channel_id: "C0OPS",
    channel_name: "ops",
    team_id: "T0SANDBOX",
  });
  expect(slack.messages("C0OPS", "U0OLGA").at(-1)?.text).toContain("heard tell");
  expect(slack.messages("C0OPS", "U0AMIR")).toEqual([]);
});

test("a command fails as Slack says: nobody connected, no such command, no ack in time", async () => {
  const slack = await standIn({ ackTimeoutMs: 60 });
  expect(await slack.command("U0OLGA", "C0OPS", "/ops", "x")).toEqual({
    ok: false,
    error: "dispatch_failed",
  });
  await boltApp(slack, (app) => app.command("/ops", async () => {}));
  expect(await slack.command("U0OLGA", "C0OPS", "/ops", "x")).toEqual({
    ok: false,
    error: "operation_timeout",
  });
  expect(await slack.command("U0OLGA", "C0OPS", "/opz", "x")).toEqual({
    ok: false,
    error: "unknown_command",
  });
  expect(await slack.command("U0NOBODY", "C0OPS", "/ops", "x")).toEqual({
    ok: false,
    error: "user_not_found",
  });
});

test("a click carries the message as it stands, and the app's update replaces it", async () => {
  const slack = await standIn();
  let seen: BlockAction<ButtonAction> | undefined;
  const app = await boltApp(slack, (bolt) => {
    bolt.action<BlockAction<ButtonAction>>("approve", async ({ ack, body, client }) => {
      await ack();
      seen = body;
      await client.chat.update({
        channel: "C0OPS",
        ts: body.message?.ts ?? "",
        text: "approved",
        blocks: [],
      });
    });
  });
  const blocks = [{ type: "actions" as const, block_id: "b", elements: [button("approve", "run-7")] }];
  const { ts } = await app.client.chat.postMessage({ channel: "#ops", text: "may I?", blocks });
  expect(await slack.click("U0AMIR", "C0OPS", ts ?? "", "approve")).toMatchObject({ ok: true });
  await slack.until("the update", () => slack.messages("C0OPS")[0]?.text === "approved");
  expect(seen).toMatchObject({
    type: "block_actions",
    user: { id: "U0AMIR", username: "amir", team_id: "T0SANDBOX" },
    team: { id: "T0SANDBOX" },
    channel: { id: "C0OPS", name: "ops" },
    container: { type: "message", message_ts: ts, channel_id: "C0OPS", is_ephemeral: false },
    message: { ts, text: "may I?", bot_id: "B0STEWARD" },
    actions: [{ type: "button", action_id: "approve", block_id: "b", value: "run-7" }],
  });
  expect(slack.messages("C0OPS")[0]?.editedCount).toBe(1);
  expect(await slack.click("U0AMIR", "C0OPS", ts ?? "", "approve")).toEqual({
    ok: false,
    error: "no_such_action",
  });
});

test("a forged click sends a value that the message does not have", async () => {
  const slack = await standIn();
  const values: unknown[] = [];
  const app = await boltApp(slack, (bolt) => {
    bolt.action<BlockAction<ButtonAction>>("approve", async ({ ack, action }) => {
      values.push(action.value);
      await ack();
    });
  });
  const blocks = [{ type: "actions" as const, elements: [button("approve", "run-7")] }];
  const { ts = "" } = await app.client.chat.postMessage({ channel: "C0OPS", text: "?", blocks });
  expect(await slack.click("U0GUS", "C0OPS", ts, "approve", { value: "run-8" })).toMatchObject({ ok: false });
  await slack.click("U0GUS", "C0OPS", ts, "approve", { value: "run-8", forge: true });
  await slack.click("U0GUS", "C0OPS", "1.2", "approve", { value: "run-9", forge: true });
  expect(values).toEqual(["run-8", "run-9"]);
});

test("selects and overflow menus send the chosen option, and none that they do not have", async () => {
  const slack = await standIn();
  const seen: unknown[] = [];
  const app = await boltApp(slack, (bolt) => {
    bolt.action(/pick|more/, async ({ ack, action }) => {
      seen.push((action as { selected_option?: { value: string } }).selected_option?.value);
      await ack();
    });
  });
  const options = ["a", "b"].map((value) => ({ text: plain(value), value }));
  const blocks = [
    {
      type: "section" as const,
      text: plain("choose"),
      accessory: { type: "static_select" as const, action_id: "pick", options },
    },
    { type: "actions" as const, elements: [{ type: "overflow" as const, action_id: "more", options }] },
  ];
  const { ts = "" } = await app.client.chat.postMessage({ channel: "C0OPS", text: "?", blocks });
  await slack.click("U0BEA", "C0OPS", ts, "pick", { selected: "b" });
  await slack.click("U0BEA", "C0OPS", ts, "more", { selected: "a" });
  expect(seen).toEqual(["b", "a"]);
  expect(await slack.click("U0BEA", "C0OPS", ts, "pick", { selected: "z" })).toMatchObject({
    error: "no_such_option",
  });
});

test("each payload goes to one of the connected apps, in turn", async () => {
  const slack = await standIn();
  const counts = [0, 0];
  for (const index of [0, 1]) {
    await boltApp(slack, (app) =>
      app.command("/ops", async ({ ack }) => {
        counts[index] = (counts[index] ?? 0) + 1;
        await ack();
      }),
    );
  }
  for (let i = 0; i < 10; i += 1) await slack.command("U0OLGA", "C0OPS", "/ops", `${i}`);
  expect(counts).toEqual([5, 5]);
});

test("a trigger opens one modal, within three seconds", async () => {
  let now = 1_700_000_000_000;
  const slack = await standIn({ now: () => now });
  const triggers: string[] = [];
  const app = await boltApp(slack, (bolt) => {
    bolt.command("/ops", async ({ ack, command }) => {
      triggers.push(command.trigger_id);
      await ack();
    });
  });
  const view = { type: "modal" as const, title: plain("Form"), blocks: [] };
  await slack.command("U0OLGA", "C0OPS", "/ops", "one");
  now += 3_000;
  const bad = { ...view, title: plain("x".repeat(25)) };
  expect(await refusal(app.client.views.open({ trigger_id: triggers[0] ?? "", view: bad }))).toBe(
    "invalid_arguments",
  );
  await app.client.views.open({ trigger_id: triggers[0] ?? "", view });
  expect(slack.views("U0OLGA")).toHaveLength(1);
  expect(await refusal(app.client.views.open({ trigger_id: triggers[0] ?? "", view }))).toBe(
    "exchanged_trigger_id",
  );
  await slack.command("U0OLGA", "C0OPS", "/ops", "two");
  now += 3_001;
  expect(await refusal(app.client.views.open({ trigger_id: triggers[1] ?? "", view }))).toBe(
    "expired_trigger_id",
  );
  expect(await refusal(app.client.views.open({ trigger_id: "1.2.x", view }))).toBe("invalid_trigger_id");
});

test("a response_url answers five times to the person alone, then is used up", async () => {
  const slack = await standIn();
  let url = "";
  await boltApp(slack, (app) =>
    app.command("/ops", async ({ ack, command, respond }) => {
      url = command.response_url;
      await ack();
      await respond("first");
    }),
  );
  await slack.command("U0OLGA", "C0OPS", "/ops", "x");
  await slack.until("the first answer", () => slack.messages("C0OPS", "U0OLGA").length === 1);
  const post = (body: unknown) => fetch(url, { method: "POST", body: JSON.stringify(body), headers: json });
  for (let use = 2; use <= 5; use += 1) expect((await post({ text: `answer ${use}` })).status).toBe(200);
  const sixth = await post({ text: "answer 6" });
  expect(sixth.status).toBe(404);
  expect(await sixth.json()).toMatchObject({ error: "used_url" });
  expect((await fetch(`${slack.url}/response/invented`, { method: "POST" })).status).toBe(404);
  expect(slack.messages("C0OPS", "U0OLGA")).toHaveLength(5);
  expect(slack.messages("C0OPS")).toHaveLength(0);
});

test("a response_url ends after thirty minutes", async () => {
  let now = 1_700_000_000_000;
  const slack = await standIn({ now: () => now });
  let url = "";
  await boltApp(slack, (app) =>
    app.command("/ops", async ({ ack, command }) => {
      url = command.response_url;
      await ack();
    }),
  );
  await slack.command("U0OLGA", "C0OPS", "/ops", "x");
  const post = () =>
    fetch(url, {
      method: "POST",
      headers: json,
      body: JSON.stringify({ text: "all", response_type: "in_channel" }),
    });
  now += 30 * 60_000;
  expect((await post()).status).toBe(200);
  expect(slack.messages("C0OPS").at(-1)?.text).toBe("all");
  now += 1;
  expect(await (await post()).json()).toMatchObject({ error: "expired_url" });
});

test("the answer to a click in an ephemeral message replaces or deletes it", async () => {
  const slack = await standIn();
  let body: BlockAction | undefined;
  const app = await boltApp(slack, (bolt) => {
    bolt.action<BlockAction>(/replace|delete/, async ({ ack, action, body: payload, respond }) => {
      await ack();
      body = payload;
      if (action.action_id === "delete") await respond({ delete_original: true });
      else await respond({ replace_original: true, text: "new", blocks });
    });
  });
  const blocks = [{ type: "actions" as const, elements: [button("replace", "1"), button("delete", "2")] }];
  const { message_ts: ts = "" } = await app.client.chat.postEphemeral({
    channel: "C0OPS",
    user: "U0OLGA",
    text: "old",
    blocks,
  });
  expect(await slack.click("U0AMIR", "C0OPS", ts, "replace")).toMatchObject({ error: "no_such_action" });
  await slack.click("U0OLGA", "C0OPS", ts, "replace");
  await slack.until("the replacement", () => slack.messages("C0OPS", "U0OLGA")[0]?.text === "new");
  expect(body?.message).toBeUndefined();
  expect(body?.container).toMatchObject({ is_ephemeral: true, message_ts: ts });
  await slack.click("U0OLGA", "C0OPS", ts, "delete");
  await slack.until("the deletion", () => slack.messages("C0OPS", "U0OLGA").length === 0);
});

test("shortcuts, also on a message, and mentions reach the app", async () => {
  const slack = await standIn();
  const seen: string[] = [];
  await boltApp(slack, (app) => {
    app.shortcut({ type: "shortcut", callback_id: "health" }, async ({ ack }) => {
      seen.push("global");
      await ack();
    });
    app.shortcut({ type: "message_action", callback_id: "health" }, async ({ ack, payload }) => {
      seen.push(`on ${(payload as { message: { text: string } }).message.text}`);
      await ack();
    });
    app.event("app_mention", async ({ event, client }) => {
      await client.chat.postMessage({ channel: event.channel, thread_ts: event.ts, text: "yes?" });
    });
  });
  const message = slack.say("U0BEA", "C0GENERAL", "hello @Steward");
  expect(message.text).toBe("hello <@U0STEWARD>");
  await slack.until("the reply", () =>
    slack.messages("C0GENERAL").some((reply) => reply.threadTs === message.ts),
  );
  await slack.shortcut("U0BEA", "health");
  await slack.shortcut("U0BEA", "health", { channel: "C0GENERAL", ts: message.ts });
  expect(seen).toEqual(["global", "on hello <@U0STEWARD>"]);
});

test("waiting in vain says for what, and what was there instead", async () => {
  const slack = await standIn();
  slack.say("U0BEA", "C0GENERAL", "something else");
  await expect(slack.until("the report", () => false, 20)).rejects.toThrow(
    /Not seen within 20 ms: the report.*#general .* Bea: something else/s,
  );
  const waiting = slack.until("a word from Bea", () => slack.messages("C0OPS")[0]?.text);
  slack.say("U0BEA", "C0OPS", "here");
  expect(await waiting).toBe("here");
  expect(
    await refusal(webClient(slack).chat.postEphemeral({ channel: "C0OPS", user: "U0X", text: "x" })),
  ).toBe("user_not_found");
});

const json = { "content-type": "application/json" };
