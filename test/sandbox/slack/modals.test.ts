import type { App, ViewSubmitAction } from "@slack/bolt";
import type { ModalView } from "@slack/types";
import { expect, test } from "vitest";
import type { SlackStandIn } from "../../../src/sandbox/slack/server.ts";
import { boltApp, button, plain, refusal, standIn } from "./harness.ts";

const choices = ["1.0.0", "1.1.0"].map((value) => ({ text: plain(value), value }));

const form: ModalView = {
  type: "modal",
  callback_id: "update",
  private_metadata: "run-7",
  title: plain("Update"),
  submit: plain("Go"),
  notify_on_close: true,
  blocks: [
    {
      type: "input",
      block_id: "why",
      label: plain("Why"),
      element: { type: "plain_text_input", action_id: "text", max_length: 10 },
    },
    {
      type: "input",
      block_id: "version",
      label: plain("Version"),
      optional: true,
      element: { type: "static_select", action_id: "choice", options: choices, initial_option: choices[0] },
    },
    {
      type: "input",
      block_id: "flags",
      label: plain("Flags"),
      optional: true,
      element: { type: "checkboxes", action_id: "set", options: choices },
    },
    { type: "actions", block_id: "acts", elements: [button("again", "x")] },
  ],
};

/** An app whose /ops opens the form. */
async function formApp(slack: SlackStandIn, prepare: (app: App) => void): Promise<App> {
  const app = await boltApp(slack, (bolt) => {
    bolt.command("/ops", async ({ ack, command, client }) => {
      await ack();
      await client.views.open({ trigger_id: command.trigger_id, view: form });
    });
    prepare(bolt);
  });
  await slack.command("U0OLGA", "C0OPS", "/ops", "update");
  await slack.until("the form", () => slack.views("U0OLGA").length === 1);
  return app;
}

function topId(slack: SlackStandIn): string {
  return slack.views("U0OLGA").at(-1)?.id ?? "";
}

test("a submission carries Slack's values, and an empty ack closes the modal", async () => {
  const slack = await standIn();
  let seen: ViewSubmitAction | undefined;
  await formApp(slack, (app) =>
    app.view<ViewSubmitAction>("update", async ({ ack, body }) => {
      seen = body;
      await ack();
    }),
  );
  const id = topId(slack);
  const values = { why: { text: "because" }, flags: { set: ["1.1.0"] } };
  expect(await slack.submitView("U0OLGA", id, values)).toMatchObject({ ok: true });
  expect(slack.views("U0OLGA")).toEqual([]);
  expect(seen?.user).toMatchObject({ id: "U0OLGA", team_id: "T0SANDBOX" });
  expect(seen?.view).toMatchObject({
    id,
    callback_id: "update",
    private_metadata: "run-7",
    hash: expect.any(String),
  });
  expect(seen?.view.state.values).toMatchObject({
    why: { text: { type: "plain_text_input", value: "because" } },
    version: { choice: { type: "static_select", selected_option: choices[0] } },
    flags: { set: { type: "checkboxes", selected_options: [choices[1]] } },
  });
  expect(await slack.submitView("U0OLGA", id, {})).toEqual({ ok: false, error: "view_not_found" });
});

test("fields that Slack's client would refuse never reach the app", async () => {
  const slack = await standIn();
  let submissions = 0;
  await formApp(slack, (app) =>
    app.view("update", async ({ ack }) => {
      submissions += 1;
      await ack();
    }),
  );
  const id = topId(slack);
  expect(await slack.submitView("U0OLGA", id, { why: { text: " " } })).toMatchObject({
    ok: false,
    error: "view_errors",
    errors: { why: expect.stringContaining("required") },
  });
  expect(await slack.submitView("U0OLGA", id, { why: { text: "12345678901" } })).toMatchObject({ ok: false });
  expect(await slack.submitView("U0OLGA", id, { nope: { text: "x" } })).toMatchObject({
    error: "no_such_input",
  });
  expect(await slack.submitView("U0OLGA", id, { version: { choice: "9" } })).toMatchObject({
    error: "no_such_option",
  });
  expect(submissions).toBe(0);
  expect(slack.views("U0OLGA")).toHaveLength(1);
});

test("an ack with errors keeps the modal open, one with update, push or clear changes the stack", async () => {
  const slack = await standIn();
  const acks = [
    { response_action: "errors" as const, errors: { why: "no good" } },
    { response_action: "update" as const, view: { ...form, title: plain("Updated") } },
    { response_action: "push" as const, view: { ...form, title: plain("Pushed") } },
    { response_action: "clear" as const },
  ];
  await formApp(slack, (app) =>
    app.view("update", async ({ ack }) => {
      const next = acks.shift();
      await (next ? ack(next) : ack());
    }),
  );
  const submit = () => slack.submitView("U0OLGA", topId(slack), { why: { text: "ok" } });
  expect(await submit()).toMatchObject({ ok: true, errors: { why: "no good" } });
  expect(slack.views("U0OLGA")[0]?.errors).toEqual({ why: "no good" });
  await submit();
  expect(slack.views("U0OLGA")[0]).toMatchObject({ title: "Updated" });
  expect(slack.views("U0OLGA")[0]?.errors).toBeUndefined();
  await submit();
  expect(slack.views("U0OLGA").map((view) => view.title)).toEqual(["Updated", "Pushed"]);
  await submit();
  expect(slack.views("U0OLGA")).toEqual([]);
});

test("views.update wants the newest hash and keeps what was typed in fields that stay", async () => {
  const slack = await standIn();
  const app = await formApp(slack, (bolt) => bolt.action("again", async ({ ack }) => void (await ack())));
  const [view] = slack.views("U0OLGA");
  const changed = { ...form, title: plain("Changed") };
  await slack.clickInView("U0OLGA", view?.id ?? "", "again", { values: { why: { text: "typed" } } });
  const answer = await app.client.views.update({
    view_id: view?.id ?? "",
    hash: view?.hash ?? "",
    view: changed,
  });
  expect(answer.view?.state).toMatchObject({ values: { why: { text: { value: "typed" } } } });
  expect(
    await refusal(
      app.client.views.update({ view_id: view?.id ?? "", hash: view?.hash ?? "", view: changed }),
    ),
  ).toBe("hash_conflict");
  expect(await refusal(app.client.views.update({ view_id: "V0", view: changed }))).toBe("not_found");
});

test("a click in a modal comes from the view; pushing stops at three; closing is told where asked", async () => {
  const slack = await standIn();
  const pushes: string[] = [];
  let closed = 0;
  await formApp(slack, (app) => {
    app.action("again", async ({ ack, body, client }) => {
      await ack();
      expect(body).toMatchObject({ container: { type: "view" }, view: { callback_id: "update" } });
      const push = client.views.push({ trigger_id: (body as { trigger_id: string }).trigger_id, view: form });
      pushes.push(await push.then(() => "pushed").catch((error) => error.data.error));
    });
    app.view({ callback_id: "update", type: "view_closed" }, async ({ ack }) => {
      closed += 1;
      await ack();
    });
  });
  for (const count of [2, 3]) {
    await slack.clickInView("U0OLGA", topId(slack), "again");
    await slack.until("the pushed view", () => slack.views("U0OLGA").length === count);
  }
  await slack.clickInView("U0OLGA", topId(slack), "again");
  await expect.poll(() => pushes).toEqual(["pushed", "pushed", "push_limit_reached"]);
  await slack.closeView("U0OLGA", topId(slack));
  expect(slack.views("U0OLGA")).toHaveLength(2);
  expect(closed).toBe(1);
});
