import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { transaction } from "../../src/journal/database.ts";
import {
  dueMessages,
  findMessage,
  loadMessage,
  loadNotice,
  markFailed,
  markShown,
  redrawMessages,
  say,
  wantMessage,
} from "../../src/journal/messages.ts";
import { openTestJournal, type TestJournal } from "./world.ts";

let world: TestJournal;
beforeAll(async () => {
  world = await openTestJournal();
});
afterAll(() => world.close());
beforeEach(() => world.journal.query("delete from messages"));

const want = (subjectId: number, more: object = {}) =>
  wantMessage(world.journal, { subjectKind: "run", subjectId, channel: "ops", ...more });
const due = async () => (await dueMessages(world.journal, 50)).map((message) => message.id);

describe("a message", () => {
  test("is one row a subject, channel and part; wanting it again counts a revision", async () => {
    const id = await want(1);
    expect(await want(1)).toBe(id);
    expect(await want(1, { channel: "incidents" })).not.toBe(id);
    expect(await want(1, { part: "log" })).not.toBe(id);
    expect(await loadMessage(world.journal, id)).toMatchObject({
      revision: 2,
      shown: 0,
      ts: null,
      part: "root",
    });
    const together = await Promise.all(Array.from({ length: 5 }, () => want(1)));
    expect(new Set(together)).toEqual(new Set([id]));
    expect(await findMessage(world.journal, "run", 1)).toMatchObject({ id, revision: 7 });
  });

  test("wanted in a transaction that is rolled back was never wanted", async () => {
    await transaction(world.journal, async (tx) => {
      await wantMessage(tx, { subjectKind: "run", subjectId: 9, channel: "ops" });
      throw new Error("no");
    }).catch(() => {});
    expect(await findMessage(world.journal, "run", 9)).toBeUndefined();
  });

  test("is due until its newest revision is shown; drawn from an older one it stays due", async () => {
    const id = await want(1);
    await redrawMessages(world.journal, "run", 1);
    await markShown(world.journal, id, { revision: 1, ts: "1.1" });
    expect(await due()).toEqual([id]);
    await markShown(world.journal, id, { revision: 2, ts: null });
    expect(await due()).toEqual([]);
    expect(await loadMessage(world.journal, id)).toMatchObject({
      ts: "1.1",
      shown: 2,
      postedAt: expect.any(Date),
    });
  });

  test("redrawing reaches every channel of the subject, and nobody else's", async () => {
    const [a, b, c] = [await want(1), await want(1, { channel: "incidents" }), await want(2)];
    for (const id of [a, b, c]) await markShown(world.journal, id, { revision: 1, ts: "1.1" });
    await redrawMessages(world.journal, "run", 1);
    expect((await due()).sort()).toEqual([a, b].sort());
  });

  test("that is urgent goes first, then the older one", async () => {
    const [report, board, reply] = [await want(1), await want(2), await want(3, { urgent: true })];
    expect(await due()).toEqual([reply, report, board]);
    expect((await dueMessages(world.journal, 1)).map((message) => message.id)).toEqual([reply]);
  });

  test("in a thread waits until its root stands, or never will", async () => {
    const [root, lost] = [await want(1), await want(2)];
    const reply = await say(
      world.journal,
      "note",
      { text: "hello" },
      { channel: "ops", threadOf: root, urgent: true },
    );
    const orphan = await say(world.journal, "note", { text: "alone" }, { channel: "ops", threadOf: lost });
    expect(await due()).toEqual([root, lost]);
    await markShown(world.journal, root, { revision: 1, ts: "17.5" });
    await markFailed(world.journal, lost, { code: "slack", message: "no" }, 0, true);
    const now = await dueMessages(world.journal, 50);
    expect(now.map(({ id, threadTs }) => ({ id, threadTs }))).toEqual([
      { id: reply, threadTs: "17.5" },
      { id: orphan, threadTs: null },
    ]);
    const notice = (await loadMessage(world.journal, reply))!.subjectId;
    expect(await loadNotice(world.journal, notice)).toMatchObject({ kind: "note", data: { text: "hello" } });
  });

  test("that failed is put off, counted, and due again after its time", async () => {
    const id = await want(1);
    const error = { code: "slack_unreachable", message: "no answer" };
    expect(await markFailed(world.journal, id, error, 60_000, false)).toMatchObject({
      failures: 1,
      state: "live",
    });
    expect(await due()).toEqual([]);
    // what is new meanwhile does not shorten the wait
    await want(1);
    expect(await due()).toEqual([]);
    expect(await markFailed(world.journal, id, error, 1, false)).toMatchObject({ failures: 2 });
    await expect.poll(due).toEqual([id]);
    await markShown(world.journal, id, { revision: 2, ts: "1.1" });
    expect(await loadMessage(world.journal, id)).toMatchObject({ failures: 0 });
  });

  test("that was given up is not due any more, and keeps why", async () => {
    const id = await want(1);
    await markFailed(world.journal, id, { code: "invalid_blocks", message: "no" }, 0, true);
    await redrawMessages(world.journal, "run", 1);
    expect(await due()).toEqual([]);
    expect(await loadMessage(world.journal, id)).toMatchObject({
      state: "failed",
      error: { code: "invalid_blocks" },
    });
  });
});
