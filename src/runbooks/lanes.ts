/** A batch of a fleet: hosts side by side, each in its own order; some may fail before the roll is stopped. */
import type { Service } from "../config.ts";
import type { StewardError } from "../errors.ts";
import { listAttempts } from "../journal/attempts.ts";
import { transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages } from "../journal/messages.ts";
import { moveRun } from "../journal/runs.ts";
import type { Attempt, Json, Run } from "../journal/types.ts";
import { attemptStep } from "./attempt.ts";
import { NeedsDecision, type RunbookContext, type Step } from "./runbook.ts";
import { isDone, toUndoing, wasBegun } from "./undo.ts";
import { askHowToGoOn } from "./waiting.ts";

/** How a fleet is rolled over, as the plan keeps it. */
export interface FleetPlan {
  [key: string]: Json;
  strategy: string;
  batch: number;
  maxFailures: number;
  undo: string;
  /** names, in the order in which they are rolled over */
  hosts: string[];
}

/** A run of steps that go one after the other, or the number of a batch. */
export interface Stage {
  batch: number | undefined;
  steps: Step[];
}

export function stagesOf(steps: readonly Step[]): Stage[] {
  const stages: Stage[] = [];
  for (const step of steps) {
    const last = stages.at(-1);
    if (last && last.batch === step.batch) last.steps.push(step);
    else stages.push({ batch: step.batch, steps: [step] });
  }
  return stages;
}

interface Batch {
  run: Run;
  service: Service;
  /** all of the run's */
  steps: readonly Step[];
  batch: number;
  signal: AbortSignal;
}

/**
 * Rolls one batch to rest. More failed hosts than the plan allows, over all batches, and the run is undoing;
 * otherwise failed hosts go back by themselves and the roll goes on without them.
 */
export async function rollBatch(
  context: RunbookContext,
  { run, service, steps, batch, signal }: Batch,
): Promise<"rolled" | "undoing" | "stopped"> {
  const before = await whileAway(() => listAttempts(context.journal, run.id), signal);
  const lanes = Map.groupBy(
    steps.filter((step) => step.batch === batch),
    (step) => step.lane ?? "",
  );
  const failedBefore = failedLanes(before, steps);
  const trouble = await Promise.all(
    [...lanes].map(async ([lane, own]) => {
      if (failedBefore.has(lane)) return undefined;
      for (const step of own) {
        if (isDone(before, step, "do")) continue;
        signal.throwIfAborted();
        const input = { run, service, step, position: steps.indexOf(step), direction: "do" as const, signal };
        const failure = await attemptStep(context, input);
        if (failure) return { step, failure };
      }
      return undefined;
    }),
  );
  const undecided = trouble.find((one) => one?.failure instanceof NeedsDecision);
  if (undecided) {
    await askHowToGoOn(context, run, undecided.step, undecided.failure);
    return "stopped";
  }
  const attempts = await whileAway(() => listAttempts(context.journal, run.id), signal);
  const failed = failedLanes(attempts, steps);
  if (failed.size === 0) return "rolled";
  const fleet = run.plan?.subject.fleet as Partial<FleetPlan> | undefined;
  const first = trouble.find((one) => one !== undefined);
  if (failed.size > (fleet?.maxFailures ?? 0)) {
    await whileAway(() => toUndoing(context, run, whyStopped(failed, first)), signal);
    return "undoing";
  }
  return await goOnWithout(context, { run, service, steps, batch, signal }, failed, attempts);
}

/** Failed hosts go back, last step first; one that cannot stops the roll. */
async function goOnWithout(
  context: RunbookContext,
  { run, service, steps, signal }: Batch,
  failed: Set<string>,
  attempts: readonly Attempt[],
): Promise<"rolled" | "undoing"> {
  const stuck = await Promise.all(
    [...failed].map(async (lane) => {
      for (const [position, step] of [...steps.entries()].reverse()) {
        if (
          step.lane !== lane ||
          !step.takeBack ||
          !wasBegun(attempts, step) ||
          isDone(attempts, step, "undo")
        )
          continue;
        const failure = await attemptStep(context, {
          run,
          service,
          step,
          position,
          direction: "undo",
          signal,
        });
        if (failure) return { step, failure };
      }
      return undefined;
    }),
  );
  const first = stuck.find((one) => one !== undefined);
  if (first) {
    await whileAway(() => toUndoing(context, run, whyStopped(failed, first)), signal);
    return "undoing";
  }
  await whileAway(
    () =>
      transaction(context.journal, async (tx) => {
        const failedHosts = [...failed].sort();
        await moveRun(tx, run.id, ["running"], "running", { facts: { failedHosts } }, run.token);
        await appendEvent(tx, { kind: "run", id: run.id }, "hosts_failed", { data: { failedHosts } });
        await redrawMessages(tx, "run", run.id);
      }),
    signal,
  );
  return "rolled";
}

/** Hosts at which a step failed for good. One that was interrupted is tried again. */
function failedLanes(attempts: readonly Attempt[], steps: readonly Step[]): Set<string> {
  const failed = steps.filter(
    (step) =>
      step.batch !== undefined &&
      attempts.findLast((attempt) => attempt.step === step.name && attempt.direction === "do")?.outcome ===
        "failed",
  );
  return new Set(failed.map((step) => step.lane ?? ""));
}

function whyStopped(
  failed: Set<string>,
  first: { step: Step; failure: StewardError } | undefined,
): { code: string; message: string } {
  const hosts = [...failed].sort().join(", ");
  if (first) return { code: first.failure.code, message: `${first.step.title}: ${first.failure.message}` };
  return { code: "hosts_failed", message: `Failed on ${hosts}` };
}
