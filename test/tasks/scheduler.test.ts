import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal, openJournal, transaction } from "../../src/journal/database.ts";
import { claimTick } from "../../src/journal/ledger.ts";
import type { Jobs } from "../../src/journal/queue.ts";
import { startQueue } from "../../src/journal/queue.ts";
import { silentLog } from "../../src/log.ts";
import { type SchedulerDeps, startScheduler } from "../../src/tasks/scheduler.ts";
import { type TestDatabase, testDatabase } from "../servers/postgres.ts";
import { configOf } from "./world.ts";

let database: TestDatabase;
let journal: Journal;
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  closing = [];
  database = await testDatabase("scheduler");
  journal = await replica();
  await journal.query("create table sent (due_at text)");
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await database.drop();
});

async function replica(): Promise<Journal> {
  const opened = await openJournal(database.url, () => {});
  closing.push(() => opened.close());
  return opened;
}

const schedules = (at: string) => configOf({}, { schedules: { health: { at } } });

/** Enqueues by a row in a table of its own, so that what was sent is seen exactly. */
async function start(on: Journal, at: string, now?: () => Date) {
  const queue: SchedulerDeps["queue"] = {
    send: async (tx, _name, data) =>
      void (await tx.query("insert into sent values ($1)", [(data as Jobs["task"]).dueAt])),
  };
  const scheduler = await startScheduler({
    journal: on,
    queue,
    config: schedules(at),
    log: silentLog,
    ...(now ? { now } : {}),
  });
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= scheduler.stop());
  closing.push(stop);
  return { stop };
}
const ledger = async () =>
  (
    await journal.query<{ due_at: Date; outcome: string }>(
      "select due_at, outcome from schedule_ledger order by due_at",
    )
  ).rows.map((row) => `${row.due_at.toISOString()} ${row.outcome}`);
const sent = async () =>
  (await journal.query<{ due_at: string }>("select due_at from sent order by due_at")).rows.map(
    (row) => row.due_at,
  );

async function until(what: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("did not come true within 15 s");
    await pause(20);
  }
}

describe("a schedule", () => {
  it("fires each tick once, at its exact second, over two replicas and a real queue", async () => {
    const jobs: string[] = [];
    const queues = await Promise.all([
      startQueue(database.url, () => {}),
      startQueue(database.url, () => {}),
    ]);
    const journals = [journal, await replica()];
    for (const [index, queue] of queues.entries()) {
      closing.push(() => queue.stop(1_000));
      await queue.work("task", 1, async (data) => void jobs.push(data.dueAt!));
      const scheduler = await startScheduler({
        journal: journals[index]!,
        queue,
        config: schedules("* * * * * *"),
        log: silentLog,
      });
      closing.push(() => scheduler.stop());
    }
    await until(async () => jobs.length >= 3);
    const rows = await ledger();
    expect(new Set(jobs).size).toBe(jobs.length);
    for (const [index, row] of rows.entries()) {
      expect(row).toMatch(/:\d\d\.000Z fired$/);
      if (index > 0)
        expect(Date.parse(row.split(" ")[0]!) - Date.parse(rows[index - 1]!.split(" ")[0]!)).toBe(1_000);
    }
  });

  it("makes up for the newest tick it missed, once, and records the others", async () => {
    const now = () => new Date("2026-11-23T12:20:00Z");
    await transaction(journal, (tx) => claimTick(tx, "health", new Date("2026-11-23T09:00:00Z"), "before"));
    await Promise.all([start(journal, "0 0 * * * *", now), start(await replica(), "0 0 * * * *", now)]);
    await until(async () => (await ledger()).length === 4);
    expect(await ledger()).toEqual([
      "2026-11-23T09:00:00.000Z fired",
      "2026-11-23T10:00:00.000Z missed",
      "2026-11-23T11:00:00.000Z missed",
      "2026-11-23T12:00:00.000Z late",
    ]);
    expect(await sent()).toEqual(["2026-11-23T12:00:00.000Z"]);
  });

  it("does not make up for what is more than an hour late, nor for anything at its first start", async () => {
    const now = () => new Date("2026-11-23T12:00:00Z");
    const first = await start(journal, "0 0 8 * * *", now);
    await first.stop();
    expect(await ledger()).toEqual([]);
    await transaction(journal, (tx) => claimTick(tx, "health", new Date("2026-11-22T08:00:00Z"), "before"));
    await start(journal, "0 0 8 * * *", now);
    await until(async () => (await ledger()).length === 2);
    expect((await ledger())[1]).toBe("2026-11-23T08:00:00.000Z missed");
    expect(await sent()).toEqual([]);
  });

  it("of a process that was frozen records what it slept through and fires none of it late", async () => {
    // the clock says that every live tick comes ten minutes late, with newer ones due since
    const asleepMs = 600_000;
    const now = () => new Date(Date.now() + asleepMs);
    await start(journal, "* * * * * *", now);
    await until(async () => (await ledger()).length >= 1);
    expect((await ledger()).every((row) => row.endsWith(" missed"))).toBe(true);
    expect(await sent()).toEqual([]);
  });

  it("that never comes is refused with the config", async () => {
    for (const rule of ["0 0 99 * * *", "0 0 0 31 2 *"])
      await expect(start(journal, rule)).rejects.toMatchObject({
        code: "config_invalid",
        message: expect.stringContaining(rule),
      });
  });
});
