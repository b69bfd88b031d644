/** The way back: what was done is taken back, last step first. */
import type { Service } from "../config.ts";
import { listAttempts } from "../journal/attempts.ts";
import { transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages } from "../journal/messages.ts";
import { loadRun, moveRun } from "../journal/runs.ts";
import type { Attempt, Run } from "../journal/types.ts";
import { attemptStep } from "./attempt.ts";
import { endRun } from "./ending.ts";
import type { RunbookContext, Step } from "./runbook.ts";
import { waitForDecision } from "./waiting.ts";

/**
 * Takes back what was done. A failed undo stops, and somebody is told. Where a fleet's roll was stopped and only its
 * failed hosts go back, the others stay on the new version and the run ends failed, naming them.
 */
export async function goBack(
  context: RunbookContext,
  run: Run,
  service: Service,
  steps: Step[],
  signal: AbortSignal,
): Promise<void> {
  const staying = stayingLanes(run, await listAttempts(context.journal, run.id), steps);
  let undone = 0;
  for (const [position, step] of [...steps.entries()].reverse()) {
    if (!step.takeBack || (step.lane !== undefined && staying.has(step.lane))) continue;
    const attempts = await whileAway(() => listAttempts(context.journal, run.id), signal);
    if (!wasBegun(attempts, step)) continue;
    undone += 1;
    if (isDone(attempts, step, "undo")) continue;
    signal.throwIfAborted();
    const now = (await whileAway(() => loadRun(context.journal, run.id), signal))!;
    if (now.token !== run.token) return;
    const failure = await attemptStep(context, {
      run: now,
      service,
      step,
      position,
      direction: "undo",
      signal,
    });
    if (failure) {
      await waitForDecision(context, run, { step: step.name, direction: "undo", reason: failure.message }, [
        "retry",
        "skip",
        "abandon",
      ]);
      return;
    }
  }
  const now = (await loadRun(context.journal, run.id))!;
  const state = staying.size ? "failed" : now.cancelRequested ? "cancelled" : undone ? "undone" : "failed";
  const error = staying.size && now.error ? { ...now.error, hint: whoStays(run, staying) } : undefined;
  await whileAway(
    () =>
      transaction(context.journal, (tx) =>
        endRun(context, tx, run, state, {
          from: ["undoing"],
          token: run.token,
          ...(error ? { error } : {}),
        }),
      ),
    signal,
  );
}

/** From running to undoing, with why. */
export async function toUndoing(
  context: RunbookContext,
  run: Run,
  error: { code: string; message: string },
): Promise<void> {
  await transaction(context.journal, async (tx) => {
    await moveRun(tx, run.id, ["running"], "undoing", { error }, run.token);
    await appendEvent(tx, { kind: "run", id: run.id }, "undoing", { data: { message: error.message } });
    await redrawMessages(tx, "run", run.id);
  });
}

/** Whether the newest attempt at a step, in that direction, left it done or counted as done. */
export function isDone(attempts: readonly Attempt[], step: Step, direction: Attempt["direction"]): boolean {
  const last = attempts.findLast((attempt) => attempt.step === step.name && attempt.direction === direction);
  return last?.outcome === "done" || last?.outcome === "skipped";
}

/** Whether there is anything to take back. */
export function wasBegun(attempts: readonly Attempt[], step: Step): boolean {
  return attempts.some(
    (attempt) => attempt.step === step.name && attempt.direction === "do" && attempt.outcome !== "skipped",
  );
}

/** Hosts that keep what the roll brought them: whole lanes, where only the failed ones go back. */
function stayingLanes(run: Run, attempts: readonly Attempt[], steps: readonly Step[]): Set<string> {
  const fleet = run.plan?.subject.fleet as { undo?: string } | undefined;
  if (fleet?.undo !== "failed" || run.cancelRequested) return new Set();
  const lanes = new Set(steps.flatMap(({ lane }) => (lane === undefined ? [] : [lane])));
  return new Set(
    [...lanes].filter((lane) => steps.every((step) => step.lane !== lane || isDone(attempts, step, "do"))),
  );
}

function whoStays(run: Run, staying: Set<string>): string {
  return `${[...staying].join(", ")} ${staying.size === 1 ? "runs" : "run"} ${run.plan?.to ?? "the new version"}; the other hosts ${run.plan?.from ?? "the version before"}.`;
}
