import { describe, expect, it } from "vitest";
import { beginAttempt, endAttempt } from "../../src/journal/attempts.ts";
import { transaction } from "../../src/journal/database.ts";
import { redrawMessages, say, wantMessage } from "../../src/journal/messages.ts";
import { createRun, moveRun } from "../../src/journal/runs.ts";
import { bot, everything, journalAt, OLGA, OPS, shows, type World, world } from "./harness.ts";
import { plan } from "./samples.ts";

const note = (here: World, text: string, channel = "ops") =>
  transaction(here.journal, (tx) => say(tx, "note", { mark: "info", text }, { channel }));
const texts = (here: World, channel = OPS) => here.slack.messages(channel).map((message) => message.text);

async function runningRun(here: World): Promise<number> {
  return await transaction(here.journal, async (tx) => {
    const id = await createRun(tx, {
      runbook: "update",
      service: "shop",
      args: {},
      requestedBy: { kind: "person", id: OLGA },
      channel: "ops",
      intentId: null,
    });
    await moveRun(tx, id, ["planning"], "running", {
      plan: plan(),
      planHash: "ab".repeat(32),
      started: true,
    });
    await wantMessage(tx, { subjectKind: "run", subjectId: id, channel: "ops" });
    return id;
  });
}

describe("the publisher", () => {
  it("is one of two replicas: each message is posted once, each intent carried out once, and one takes over", async () => {
    const here = await world();
    const first = await bot(here);
    const second = await bot({ ...here, journal: await journalAt(here.url) });
    for (let n = 0; n < 6; n += 1) await note(here, `note ${n}`);
    await here.slack.command(OLGA, OPS, "/ops", "health");
    await shows(here.slack, "Health ·");
    await here.slack.until("all notes", () => texts(here).length >= 7);
    await first.stop();
    await here.slack.until("the first one's sockets are gone", () => here.slack.state().connections === 2);
    expect(await here.slack.command(OLGA, OPS, "/ops", "health")).toEqual({
      ok: true,
      ackMs: expect.any(Number),
    });
    await note(here, "after the first one went");
    await here.slack.until("both", () => texts(here).length >= 9, 10_000);
    await second.stop();
    expect(
      texts(here)
        .filter((text) => text.startsWith("note"))
        .sort(),
    ).toEqual([0, 1, 2, 3, 4, 5].map((n) => `note ${n}`));
    expect(texts(here)).toHaveLength(9);
  });

  it("does not double a message whose post arrived but got no answer", async () => {
    const here = await world();
    here.slack.failNext("chat.postMessage", { status: 503, afterCommit: true });
    here.slack.failNext("chat.postMessage", { status: 0, afterCommit: true });
    await bot(here);
    await note(here, "the first");
    await note(here, "the second");
    await note(here, "the third");
    await here.slack.until("the third", () => texts(here).includes("the third"), 10_000);
    await settled(here);
    expect(here.slack.apiCalls("conversations.history").length).toBeGreaterThan(0);
    expect(texts(here).sort()).toEqual(["the first", "the second", "the third"]);
  });

  it("posts again after an outage before the post", async () => {
    const here = await world();
    await bot(here);
    here.slack.failNext("chat.postMessage", { status: 503, times: 2 });
    await note(here, "late but once");
    await here.slack.until("the note", () => texts(here).includes("late but once"), 10_000);
    await settled(here);
    expect(texts(here)).toHaveLength(1);
  });

  it("without the history scope posts an incident or run again and takes a note for posted", async () => {
    const here = await world({
      scopes: ["chat:write", "channels:read", "users:read", "commands", "usergroups:read"],
    });
    await bot(here);
    here.slack.failNext("chat.postMessage", { status: 503, afterCommit: true, times: 2 });
    await note(here, "a note");
    await here.slack.until("the note", () => texts(here).includes("a note"));
    await runningRun(here);
    await settled(here);
    expect(texts(here).filter((text) => text === "a note")).toHaveLength(1);
    expect(texts(here).filter((text) => text.includes("running"))).toHaveLength(2);
  });

  it("waits as long as a 429 says in that channel, while others go on", async () => {
    const here = await world();
    await bot(here);
    here.slack.failNext("chat.postMessage", { status: 429, retryAfterSeconds: 2 });
    const began = Date.now();
    await note(here, "held");
    await eventually("the refused call", () => here.slack.apiCalls("chat.postMessage").length === 1);
    await note(here, "held as well");
    await note(here, "elsewhere", "C0GENERAL");
    await here.slack.until("the other channel's", () => texts(here, "C0GENERAL").includes("elsewhere"));
    expect(Date.now() - began).toBeLessThan(1_900);
    expect(here.slack.apiCalls("chat.postMessage")).toHaveLength(2);
    await here.slack.until("the held one", () => texts(here).includes("held"));
    expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
  });

  it("draws many changes of a run in few edits, and its end at once", async () => {
    const here = await world();
    await bot(here);
    const id = await runningRun(here);
    await shows(here.slack, "running");
    for (let n = 0; n < 30; n += 1) {
      await transaction(here.journal, async (tx) => {
        const attempt = await beginAttempt(tx, {
          runId: id,
          step: `step-${n}`,
          position: n,
          direction: "do",
          token: 0,
          holder: "here",
        });
        await endAttempt(tx, attempt, { outcome: "done", output: "" });
        await redrawMessages(tx, "run", id);
      });
    }
    const ended = Date.now();
    await transaction(here.journal, async (tx) => {
      await moveRun(tx, id, ["running"], "succeeded", { ended: true });
      await redrawMessages(tx, "run", id);
    });
    await shows(here.slack, "shop runs 1.1.0");
    expect(Date.now() - ended).toBeLessThan(1_500);
    expect(here.slack.apiCalls("chat.update").length).toBeLessThanOrEqual(4);
  });

  it("posts anew what a person deleted", async () => {
    const here = await world();
    await bot(here);
    const id = await runningRun(here);
    await shows(here.slack, "running");
    here.slack.failNext("chat.update", { error: "message_not_found" });
    await transaction(here.journal, async (tx) => {
      await moveRun(tx, id, ["running"], "succeeded", { ended: true });
      await redrawMessages(tx, "run", id);
    });
    await shows(here.slack, "shop runs 1.1.0");
    expect(here.slack.messages(OPS)).toHaveLength(2);
  });

  it("falls back to simpler blocks, then to text, when Slack refuses blocks", async () => {
    const here = await world();
    await bot(here);
    here.slack.failNext("chat.postMessage", { error: "invalid_blocks" });
    await runningRun(here);
    const simpler = await shows(here.slack, "running");
    expect(everything(simpler)).toContain(":white_circle: Back up");
    here.slack.failNext("chat.postMessage", { error: "invalid_blocks" });
    await note(here, "in words alone");
    expect((await shows(here.slack, "in words alone")).blocks ?? []).toEqual([]);
  });

  it("says where it cannot post, once a channel, and never about that itself", async () => {
    const here = await world();
    await bot(here);
    for (let n = 0; n < 3; n += 1) await note(here, "lost", "#nowhere");
    await shows(here.slack, "A message for #nowhere could not be posted");
    here.slack.failNext("chat.postMessage", { error: "is_archived" });
    await note(here, "lost here");
    await settled(here);
    expect(texts(here)).toHaveLength(1);
    expect((await here.journal.query("select 1 from messages where state = 'failed'")).rowCount).toBe(4);
  });

  it("keeps replies under their root, and uploads a run's whole output there", async () => {
    const here = await world();
    await bot(here);
    const id = await runningRun(here);
    await transaction(here.journal, async (tx) => {
      const attempt = await beginAttempt(tx, {
        runId: id,
        step: "backup",
        position: 0,
        direction: "do",
        token: 0,
        holder: "here",
      });
      await endAttempt(tx, attempt, { outcome: "done", output: "dumped 3 tables\n" });
      const root = (await tx.query<{ id: number }>("select id from messages where subject_kind = 'run'"))
        .rows[0]!.id;
      await say(tx, "note", { mark: "good", text: "a reply" }, { channel: "ops", threadOf: root });
      await say(tx, "run-output", { runId: id, name: "run.log" }, { channel: "ops", threadOf: root });
    });
    const root = await shows(here.slack, "running");
    expect((await shows(here.slack, "a reply")).threadTs).toBe(root.ts);
    const file = await here.slack.until("the file", () =>
      here.slack.messages(OPS).find((message) => message.files?.length),
    );
    expect(file.threadTs).toBe(root.ts);
    const content = await (await fetch(`${here.slack.url}/files/${file.files![0]!.id}`)).text();
    expect(content).toContain("== 1. backup, attempt 1: done");
    expect(content).toContain("dumped 3 tables");
  });

  it("answers by response_url at once, however many ask: the rate of ephemeral messages is not theirs", async () => {
    const here = await world();
    const steward = await bot(here);
    const asked = await Promise.all(
      Array.from({ length: 40 }, () => here.slack.command(OLGA, OPS, "/ops", "runs")),
    );
    expect(asked.every((result) => result.ok)).toBe(true);
    const answers = () => here.slack.messages(OPS, OLGA).filter((message) => message.ephemeralFor === OLGA);
    await here.slack.until("all answers", () => answers().length >= 40, 10_000);
    expect(answers()).toHaveLength(40);
    expect(here.slack.apiCalls("chat.postEphemeral")).toHaveLength(0);
    await steward.stop();
  });

  it("answers a person by an ephemeral message once the response_url is used up", async () => {
    const here = await world();
    await bot(here);
    here.slack.failNext("response_url", { status: 404, error: "used_url" });
    await here.slack.command(OLGA, OPS, "/ops", "runs");
    expect((await shows(here.slack, "No runs yet")).ephemeralFor).toBe(OLGA);
    expect(here.slack.apiCalls("chat.postEphemeral")).toHaveLength(1);
  });
});

/** Until nothing is due any more. */
async function settled(here: World): Promise<void> {
  await eventually("nothing is due", async () => {
    const due = await here.journal.query("select 1 from messages where state = 'live' and shown < revision");
    return due.rowCount === 0;
  });
}

/** For what the stand-in does not tell of. */
async function eventually(what: string, find: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if (await find()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Not seen within 10 s: ${what}`);
}
