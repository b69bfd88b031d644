import { describe, expect, it } from "vitest";
import { transaction } from "../../src/journal/database.ts";
import { claimIncident, saveMember } from "../../src/journal/incidents.ts";
import { say, wantMessage } from "../../src/journal/messages.ts";
import type { Message } from "../../src/sandbox/slack/types.ts";
import { AMIR, bot, everything, GUS, OLGA, OPS, shows, type World, world } from "./harness.ts";
import { member } from "./samples.ts";

const buttonsOf = (message: Message) =>
  (message.blocks ?? [])
    .flatMap((block) => (block.type === "actions" ? block.elements : []))
    .map((element) => (element as { action_id: string }).action_id);

async function card(here: World): Promise<Message> {
  await here.slack.command(OLGA, OPS, "/ops", "update shop 1.1.0");
  return await shows(here.slack, "approval needed");
}

async function openIncident(here: World): Promise<Message> {
  await transaction(here.journal, async (tx) => {
    const { incident } = await claimIncident(tx, {
      service: "shop",
      cause: "application",
      title: "shop does not answer",
      observed: false,
      reopenWithinMs: 0,
    });
    await saveMember(tx, incident.id, member().reading, "critical");
    await wantMessage(tx, {
      subjectKind: "incident",
      subjectId: incident.id,
      channel: "#incidents",
      urgent: true,
    });
  });
  return await shows(here.slack, "shop: does not answer", OLGA, "C0INCIDENTS");
}

describe("an approval card", () => {
  it("becomes the board when an approver approves, and its buttons go", async () => {
    const here = await world();
    await bot(here);
    const message = await card(here);
    expect(buttonsOf(message)).toEqual(["run_approve", "run_reject", "run_details", "run_cancel"]);
    expect(await here.slack.click(AMIR, OPS, message.ts, "run_approve")).toMatchObject({ ok: true });
    const board = await shows(here.slack, "approved, waiting for its turn");
    expect(board.ts).toBe(message.ts);
    expect(buttonsOf(board)).toEqual(["run_cancel", "run_details"]);
    expect(here.slack.messages(OPS)).toHaveLength(1);
  });

  it("refuses who is no approver, and guests, each in words to them alone", async () => {
    const here = await world();
    await bot(here);
    const message = await card(here);
    await here.slack.click(OLGA, OPS, message.ts, "run_approve");
    await shows(here.slack, "You are not an approver", OLGA);
    await here.slack.click(GUS, OPS, message.ts, "run_approve");
    await shows(here.slack, "Guests cannot press that", GUS);
    expect((await here.journal.query("select state from runs")).rows).toEqual([
      { state: "awaiting_approval" },
    ]);
  });

  it("is rejected with a reason, through a form", async () => {
    const here = await world();
    await bot(here);
    const message = await card(here);
    await here.slack.click(AMIR, OPS, message.ts, "run_reject");
    const form = await here.slack.until("the form", () => here.slack.views(AMIR).at(-1));
    expect(form.privateMetadata).not.toContain("shop");
    await here.slack.submitView(AMIR, form.id, { reason: { text: "not on a <!channel> Friday" } });
    const rejected = await shows(here.slack, "Rejected by");
    expect(everything(rejected)).toContain("not on a &lt;!channel&gt; Friday");
    expect(buttonsOf(rejected)).toEqual(["run_details"]);
  });

  it("shows the whole plan in Details", async () => {
    const here = await world();
    await bot(here);
    const message = await card(here);
    expect(await here.slack.click(GUS, OPS, message.ts, "run_details")).toMatchObject({ ok: true });
    const view = await here.slack.until("the details", () => here.slack.views(GUS).at(-1));
    for (const part of [
      "git checkout v1.1.0",
      "commit number 7",
      "0002_likes.sql",
      "check out 1.0.0",
      "ab".repeat(32),
    ])
      expect(JSON.stringify(view.blocks)).toContain(part);
  });

  it("is drawn anew for who clicked an old one, and a forged value is refused", async () => {
    const here = await world();
    await bot(here);
    const message = await card(here);
    await here.slack.click(AMIR, OPS, message.ts, "run_approve", { forge: true, value: "1.2.000000000000" });
    await shows(here.slack, "The plan has changed", AMIR);
    for (const value of ["1.2.zz", "1; drop table runs", "99.1.abababababab"])
      await here.slack.click(AMIR, OPS, message.ts, "run_approve", { forge: true, value });
    await shows(here.slack, "not one that Steward knows", AMIR);
    await shows(here.slack, "There is no run 99", AMIR);
    expect((await here.journal.query("select state from runs")).rows).toEqual([
      { state: "awaiting_approval" },
    ]);
  });

  it("is started by breaking the glass, through a form with one reason, and stays marked until it is reviewed", async () => {
    const here = await world();
    here.config = {
      ...here.config,
      roles: { ...here.config.roles, breakGlass: { users: [OLGA], groups: [] } },
    };
    await bot(here);
    const message = await card(here);
    expect(buttonsOf(message)).toContain("run_break");
    await here.slack.click(OLGA, OPS, message.ts, "run_break");
    const form = await here.slack.until("the form", () => here.slack.views(OLGA).at(-1));
    expect(JSON.stringify(form.blocks)).toContain("somebody else has to review it within 24 hours");
    await here.slack.submitView(OLGA, form.id, { reason: { text: "the shop burns" } });
    const started = await shows(here.slack, "Glass broken");
    expect(everything(started)).toMatch(/<@U0OLGA> .*the shop burns .*review due/);
    const [run] = (await here.journal.query("select id from runs")).rows;
    const data = {
      runId: run!.id,
      title: "Update shop",
      by: OLGA,
      reason: "x",
      dueAt: new Date().toISOString(),
    };
    await transaction(here.journal, (tx) => say(tx, "review-wanted", data, { channel: "#incidents" }));
    const wanted = await shows(here.slack, "without a second person", AMIR, "C0INCIDENTS");
    await here.slack.click(AMIR, "C0INCIDENTS", wanted.ts, "run_review");
    await shows(here.slack, "reviewed by <@U0AMIR>");
  });

  it("offers the plan's other ways, and the button carries its place alone", async () => {
    const here = await world();
    const { chooseAlternative, requestRun } = here.domain;
    const alternatives = [{ label: "Code only", args: { database: "keep" } }];
    here.domain.requestRun = async (tx, request) => {
      const id = await requestRun(tx, request);
      await tx.query("update runs set plan = plan || $1", [{ alternatives }]);
      return id;
    };
    const chosen: number[] = [];
    here.domain.chooseAlternative = async (tx, request) => {
      chosen.push(request.index);
      return await chooseAlternative(tx, request);
    };
    await bot(here);
    const message = await card(here);
    expect(buttonsOf(message)).toContain("run_choose_0");
    await here.slack.click(AMIR, OPS, message.ts, "run_choose_0");
    await here.slack.until("the choice", () => (chosen.length > 0 ? true : undefined));
    expect(chosen).toEqual([0]);
  });

  it("that was only shown has nothing to approve", async () => {
    const here = await world();
    await bot(here);
    await here.slack.command(OLGA, OPS, "/ops", "update shop 1.1.0 --plan");
    expect(buttonsOf(await shows(here.slack, "what would be done"))).toEqual(["run_details"]);
  });
});

describe("an incident's message", () => {
  it("is acknowledged, offers the recommended runbook, and is resolved with a reason", async () => {
    const here = await world();
    await bot(here);
    const message = await openIncident(here);
    expect(buttonsOf(message)).toEqual([
      "incident_ack",
      "incident_runbook",
      "incident_resolve",
      "incident_timeline",
    ]);
    expect(everything(message)).toContain("Restart shop");
    await here.slack.click(OLGA, "C0INCIDENTS", message.ts, "incident_ack");
    const taken = await shows(here.slack, "<@U0OLGA> has it", OLGA, "C0INCIDENTS");
    expect(buttonsOf(taken)).toEqual(["incident_runbook", "incident_resolve", "incident_timeline"]);
    await here.slack.click(OLGA, "C0INCIDENTS", message.ts, "incident_runbook");
    await here.slack.until("the run's card", () => here.slack.messages("C0INCIDENTS").length === 2);
    await here.slack.click(OLGA, "C0INCIDENTS", message.ts, "incident_timeline");
    expect(
      JSON.stringify((await here.slack.until("the timeline", () => here.slack.views(OLGA).at(-1))).blocks),
    ).toContain("http 503");
    await here.slack.click(OLGA, "C0INCIDENTS", message.ts, "incident_resolve");
    const form = await here.slack.until("the form", () =>
      here.slack.views(OLGA).find((view) => view.callbackId === "incident_resolve_form"),
    );
    await here.slack.submitView(OLGA, form.id, { reason: { text: "disk was full" } });
    expect(buttonsOf(await shows(here.slack, "disk was full", OLGA, "C0INCIDENTS"))).toEqual([]);
    expect((await here.journal.query("select requested_by->>'id' as id, channel from runs")).rows).toEqual([
      { id: OLGA, channel: "C0INCIDENTS" },
    ]);
  });
});
