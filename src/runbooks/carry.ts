/** Carrying a run: step by step, the journal before the deed, and back again when a step fails. */
import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listAttempts } from "../journal/attempts.ts";
import { transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages } from "../journal/messages.ts";
import { claimRun, loadRun, moveRun } from "../journal/runs.ts";
import type { Attempt, Run } from "../journal/types.ts";
import { attemptStep } from "./attempt.ts";
import { endRun } from "./ending.ts";
import { findRunbook } from "./requests.ts";
import { NeedsDecision, type RunbookContext, type Step } from "./runbook.ts";
import { settleInterrupted } from "./takeover.ts";
import { waitForDecision } from "./waiting.ts";

/**
 * Carries a run that is running or undoing to its end or to a decision. Whoever calls it takes the run over:
 * any earlier holder's token is spent. Throws only when it stops early (`signal`): the queue then hands the
 * run to another replica.
 */
export async function carryRun(context: RunbookContext, runId: number, signal: AbortSignal): Promise<void> {
  const run = await whileAway(() => claimRun(context.journal, runId), signal);
  if (!run?.plan) return;
  try {
    await carryClaimed(context, run, signal);
  } catch (error) {
    if (error instanceof StewardError && error.code === "claim_lost") return;
    throw error;
  }
}

async function carryClaimed(context: RunbookContext, run: Run, signal: AbortSignal): Promise<void> {
  const service = context.config.services.find((known) => known.id === run.service);
  if (!service) {
    await waitForDecision(
      context,
      run,
      { step: "", direction: "do", reason: `${run.service} is no longer declared in steward.yml` },
      ["abandon"],
    );
    return;
  }
  const steps = findRunbook(context, run.runbook).steps(context, run.plan!, service);
  let state = run.state;
  const open = (await listAttempts(context.journal, run.id)).filter((attempt) => attempt.endedAt === null);
  for (const attempt of open) {
    const settled = await settleInterrupted(context, {
      run,
      service,
      attempt,
      step: steps.find((step) => step.name === attempt.step),
      signal,
    });
    if (settled === "ask") return;
  }
  if (state === "running") {
    const outcome = await goForward(context, run, service, steps, signal);
    if (outcome === "stopped") return;
    state = outcome;
  }
  if (state === "undoing") await goBack(context, run, service, steps, signal);
}

/** Does what is not done yet. `undoing` when a step failed or the run was cancelled. */
async function goForward(
  context: RunbookContext,
  run: Run,
  service: Service,
  steps: Step[],
  signal: AbortSignal,
): Promise<"stopped" | "undoing"> {
  for (const [position, step] of steps.entries()) {
    const now = (await whileAway(() => loadRun(context.journal, run.id), signal))!;
    if (now.token !== run.token) return "stopped";
    signal.throwIfAborted();
    if (isDone(await listAttempts(context.journal, run.id), step, "do")) continue;
    if (now.cancelRequested) {
      await toUndoing(context, now, { code: "cancelled", message: "Cancelled" });
      return "undoing";
    }
    const failure = await attemptStep(context, {
      run: now,
      service,
      step,
      position,
      direction: "do",
      signal,
    });
    if (!failure) continue;
    if (failure instanceof NeedsDecision) {
      await waitForDecision(context, run, { step: step.name, direction: "do", reason: failure.message }, [
        "retry",
        "skip",
        "undo",
      ]);
      return "stopped";
    }
    return "undoing";
  }
  await whileAway(
    () =>
      transaction(context.journal, (tx) =>
        endRun(context, tx, run, "succeeded", { from: ["running"], token: run.token }),
      ),
    signal,
  );
  return "stopped";
}

/** Takes back what was done, last step first. A failed undo stops, and somebody is told. */
async function goBack(
  context: RunbookContext,
  run: Run,
  service: Service,
  steps: Step[],
  signal: AbortSignal,
): Promise<void> {
  let undone = 0;
  for (const [position, step] of [...steps.entries()].reverse()) {
    if (!step.takeBack) continue;
    const attempts = await whileAway(() => listAttempts(context.journal, run.id), signal);
    if (
      !attempts.some(
        (attempt) =>
          attempt.step === step.name && attempt.direction === "do" && attempt.outcome !== "skipped",
      )
    )
      continue;
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
  const state = now.cancelRequested ? "cancelled" : undone ? "undone" : "failed";
  await whileAway(
    () =>
      transaction(context.journal, (tx) =>
        endRun(context, tx, run, state, { from: ["undoing"], token: run.token }),
      ),
    signal,
  );
}

async function toUndoing(
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

function isDone(attempts: Attempt[], step: Step, direction: Attempt["direction"]): boolean {
  const last = attempts.findLast((attempt) => attempt.step === step.name && attempt.direction === direction);
  return last?.outcome === "done" || last?.outcome === "skipped";
}
