/** The runbook workers of one replica, and the sweeps that let nothing be forgotten after a crash. */
import { transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages } from "../journal/messages.ts";
import { HandedOver } from "../journal/queue.ts";
import { expiredRuns, loadRun, moveRun, nextQueuedRun, runsInState } from "../journal/runs.ts";
import type { Run } from "../journal/types.ts";
import { nagForReviews } from "./break-glass.ts";
import { carryRun } from "./carry.ts";
import { planRequested, refuse, throughRestarts } from "./planning.ts";
import { remindApprovers } from "./reminders.ts";
import { findRunbook } from "./requests.ts";
import type { RunbookContext } from "./runbook.ts";
import { startQueued } from "./start.ts";
import { watchReleases } from "./watching.ts";

const SWEEP_EVERY_MS = 2_000;
const PLANNERS = 2;
const CARRIERS = 8;

export interface RunbookWorkers {
  /** no more jobs; what is carried stops at once, to be taken over by another replica or the next start */
  stop(): Promise<void>;
}

/** Starts planning and carrying runs in this replica. */
export async function startRunbookWorkers(context: RunbookContext): Promise<RunbookWorkers> {
  const stopping = new AbortController();
  await context.queue.work("plan", PLANNERS, async ({ runId }) => await planRequested(context, runId));
  await context.queue.work("run", CARRIERS, async ({ runId }, lost) => {
    await workRun(context, runId, AbortSignal.any([lost, stopping.signal]));
  });
  const sweep = () =>
    sweepRuns(context).catch((error) => {
      context.log.warn({ err: error }, "sweep of runs failed; it is tried again");
    });
  let sweeping = sweep();
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep);
  }, SWEEP_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      stopping.abort(new HandedOver("this replica is stopping"));
      await sweeping;
    },
  };
}

/** Brings a run as far as it goes now: started if it was queued, then carried. */
async function workRun(context: RunbookContext, runId: number, signal: AbortSignal): Promise<void> {
  const run = await whileAway(() => loadRun(context.journal, runId), signal);
  if (!run) return;
  if (run.state === "queued") {
    try {
      if ((await throughRestarts(context, () => startQueued(context, run))) !== "started") return;
    } catch (error) {
      context.log.warn({ err: error, run: run.id }, "a queued run could not be started");
      await refuse(context, run, error);
      await wakeNext(context, run);
      return;
    }
  } else if (run.state !== "running" && run.state !== "undoing") return;
  await carryRun(context, runId, signal);
}

/**
 * What a crash may have left: approvals past their time, and runs that nobody carries. Sending again is
 * harmless: the queue keeps one job a run.
 */
async function sweepRuns(context: RunbookContext): Promise<void> {
  for (const run of await expiredRuns(context.journal)) await expire(context, run);
  for (const run of await runsInState(context.journal, ["planning"])) await send(context, "plan", run.id);
  for (const run of await runsInState(context.journal, ["running", "undoing"]))
    await send(context, "run", run.id);
  const waiting = await runsInState(context.journal, ["queued"]);
  for (const key of new Set(waiting.map((run) => `${run.slot} ${run.service}`))) {
    await wakeNext(context, waiting.find((run) => `${run.slot} ${run.service}` === key)!);
  }
  // a cure does not wait behind a run that is stuck
  for (const run of waiting) if (findRunbook(context, run.runbook).cure) await send(context, "run", run.id);
  await remindApprovers(context);
  await nagForReviews(context);
  await watchReleases(context);
}

async function expire(context: RunbookContext, run: Run): Promise<void> {
  await transaction(context.journal, async (tx) => {
    const moved = await moveRun(tx, run.id, ["awaiting_approval"], "expired", {
      ended: true,
      error: { code: "approval_expired", message: "Nobody decided in time" },
    });
    if (!moved) return;
    await appendEvent(tx, { kind: "run", id: run.id }, "expired");
    await redrawMessages(tx, "run", run.id);
  });
}

async function wakeNext(context: RunbookContext, run: Run): Promise<void> {
  const next = await nextQueuedRun(context.journal, run.service, run.slot);
  if (next) await send(context, "run", next.id);
}

async function send(context: RunbookContext, name: "plan" | "run", runId: number): Promise<void> {
  await context.queue.send(context.journal, name, { runId }, { key: String(runId) });
}
