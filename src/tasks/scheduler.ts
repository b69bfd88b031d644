import schedule from "node-schedule";
import type { Config } from "../config.ts";
import { type Journal, transaction, whileAway } from "../journal/database.ts";
import { claimTick, lastTick, type Tick } from "../journal/ledger.ts";
import type { Queue } from "../journal/queue.ts";
import type { Log } from "../log.ts";
import { ticksBefore } from "./ticks.ts";

export interface SchedulerDeps {
  journal: Journal;
  queue: Pick<Queue, "send">;
  config: Pick<Config, "schedules" | "slack">;
  log: Log;
  now?: () => Date;
}

interface Entry {
  task: string;
  rule: string;
  zone: string;
  channel: string;
}

/** Up to this much after its time a tick is on time. */
const ON_TIME_MS = 60_000;
/** Up to this much after its time the newest tick still fires, as `late`. */
const LATE_MS = 3_600_000;
/** Missed ticks that are recorded one by one at a start; older ones are as good as forgotten. */
const RECORDED = 100;

/**
 * Ticks every schedule in every replica; the ledger decides who fires, in the transaction that enqueues the
 * work. What fell due while nobody ran is made up at the start: the newest tick fires if it is at most an
 * hour late, the others are recorded as missed.
 */
export async function startScheduler(deps: SchedulerDeps): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const jobs: schedule.Job[] = [];
  const track = (work: Promise<void>, task: string) => {
    const tracked = work
      .catch((error) => {
        if (!stopping.signal.aborted)
          deps.log.error({ err: error, task }, "a scheduled tick could not be fired");
      })
      .finally(() => running.delete(tracked));
    running.add(tracked);
  };
  for (const entry of entriesOf(deps.config)) {
    // read before the ticking starts, or the first live tick would hide what was missed
    const last = await lastTick(deps.journal, entry.task);
    const job = schedule.scheduleJob({ rule: entry.rule, tz: entry.zone }, (dueAt) =>
      track(fire(deps, entry, dueAt, stopping.signal), entry.task),
    );
    jobs.push(job);
    if (last) track(catchUp(deps, entry, last, stopping.signal), entry.task);
  }
  return {
    async stop() {
      stopping.abort();
      for (const job of jobs) job.cancel();
      await Promise.all(running);
    },
  };
}

function entriesOf(config: SchedulerDeps["config"]): Entry[] {
  return Object.entries(config.schedules).flatMap(([task, entry]) =>
    entry ? [{ task, rule: entry.at, zone: entry.zone, channel: entry.channel ?? config.slack.channel }] : [],
  );
}

/** A live tick. A process that was frozen gets here for every tick it slept through, with its own due time. */
async function fire(deps: SchedulerDeps, entry: Entry, dueAt: Date, signal: AbortSignal): Promise<void> {
  await whileAway(async () => {
    const now = clock(deps);
    if (now.getTime() - dueAt.getTime() <= ON_TIME_MS) return await settleTick(deps, entry, dueAt, "fired");
    const newest = ticksBefore(entry.rule, entry.zone, now, 1)[0];
    await settleTick(deps, entry, dueAt, outcomeOf(dueAt, newest ?? dueAt, now));
  }, signal);
}

/** What fell due between the last tick in the ledger and now, oldest first. */
async function catchUp(deps: SchedulerDeps, entry: Entry, last: Date, signal: AbortSignal): Promise<void> {
  await whileAway(async () => {
    const now = clock(deps);
    const due = ticksBefore(entry.rule, entry.zone, now, RECORDED).filter((tick) => tick > last);
    const newest = due[0];
    if (!newest) return;
    for (const tick of due.reverse()) await settleTick(deps, entry, tick, outcomeOf(tick, newest, now));
  }, signal);
}

function outcomeOf(dueAt: Date, newest: Date, now: Date): Tick {
  if (dueAt < newest) return "missed";
  const lateMs = now.getTime() - dueAt.getTime();
  return lateMs <= ON_TIME_MS ? "fired" : lateMs <= LATE_MS ? "late" : "missed";
}

/** Claims the tick and enqueues its work, both or neither. */
async function settleTick(deps: SchedulerDeps, entry: Entry, dueAt: Date, outcome: Tick): Promise<void> {
  const { journal, queue } = deps;
  const claimed = await transaction(journal, async (tx) => {
    if (!(await claimTick(tx, entry.task, dueAt, journal.holder, outcome))) return false;
    if (outcome === "missed") return true;
    await queue.send(tx, "task", {
      task: entry.task,
      service: null,
      channel: entry.channel,
      requestedBy: null,
      dueAt: dueAt.toISOString(),
    });
    return true;
  });
  if (claimed && outcome !== "fired")
    deps.log.warn({ task: entry.task, dueAt, outcome }, "a scheduled tick was not on time");
}

function clock(deps: SchedulerDeps): Date {
  return deps.now?.() ?? new Date();
}
