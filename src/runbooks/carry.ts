/** Carrying a run: step by step, the journal before the deed, and back again when a step fails. */
import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { type AttemptEnd, endAttempt, listAttempts, type NewAttempt, passOn } from "../journal/attempts.ts";
import { transaction, whileAway } from "../journal/database.ts";
import { claimRun, loadRun } from "../journal/runs.ts";
import type { Attempt, Run } from "../journal/types.ts";
import { type AttemptInput, doStep, endOf, settleFailure } from "./attempt.ts";
import { endRun } from "./ending.ts";
import { rollBatch, stagesOf } from "./lanes.ts";
import { findRunbook } from "./requests.ts";
import { NeedsDecision, type RunbookContext, type Step } from "./runbook.ts";
import { settleInterrupted } from "./takeover.ts";
import { goBack, isDone, toUndoing } from "./undo.ts";
import { askHowToGoOn, waitForDecision } from "./waiting.ts";

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

/**
 * Does what is not done yet, batch by batch. The outcome of a step and the intent of the next are one commit.
 * `undoing` when a step failed or the run was cancelled.
 */
async function goForward(
  context: RunbookContext,
  claimed: Run,
  service: Service,
  steps: Step[],
  signal: AbortSignal,
): Promise<"stopped" | "undoing"> {
  const attempts = await whileAway(() => listAttempts(context.journal, claimed.id), signal);
  const pending = stagesOf(steps.filter((step) => !isDone(attempts, step, "do")));
  let run = claimed;
  let last: { attempt: Attempt; end: AttemptEnd } | null = null;
  for (const stage of pending) {
    if (stage.batch !== undefined) {
      if (last) await finish(context, last, signal);
      last = null;
      const now = await whileAway(() => loadRun(context.journal, run.id), signal);
      if (now?.token !== run.token) return "stopped";
      run = now;
      if (run.cancelRequested) return await toCancelled(context, run);
      const came = await rollBatch(context, { run, service, steps, batch: stage.batch, signal });
      if (came !== "rolled") return came;
      continue;
    }
    for (const step of stage.steps) {
      signal.throwIfAborted();
      const input = { run, service, step, position: steps.indexOf(step), direction: "do" as const, signal };
      const { begun } = await whileAway(
        () => passOn(context.journal, last, intentOf(context, input)),
        signal,
      );
      if (!begun) return await toCancelled(context, run);
      const done = await doStep(context, input, begun);
      if (done.failure) {
        await whileAway(() => settleFailure(context, input, begun, done), signal);
        if (!(done.failure instanceof NeedsDecision)) return "undoing";
        await askHowToGoOn(context, run, step, done.failure);
        return "stopped";
      }
      run = { ...run, facts: { ...run.facts, ...done.facts } };
      last = { attempt: begun, end: endOf(done, input) };
    }
  }
  await whileAway(
    () =>
      transaction(context.journal, async (tx) => {
        if (last) await endAttempt(tx, { ...last.attempt, token: run.token }, last.end);
        await endRun(context, tx, run, "succeeded", { from: ["running"], token: run.token });
      }),
    signal,
  );
  return "stopped";
}

function intentOf(
  context: RunbookContext,
  { run, step, position, direction }: Pick<AttemptInput, "run" | "step" | "position" | "direction">,
): NewAttempt {
  return {
    runId: run.id,
    step: step.name,
    position,
    direction,
    token: run.token,
    holder: context.journal.holder,
  };
}

async function finish(
  context: RunbookContext,
  { attempt, end }: { attempt: Attempt; end: AttemptEnd },
  signal: AbortSignal,
): Promise<void> {
  await whileAway(() => endAttempt(context.journal, attempt, end), signal);
}

async function toCancelled(context: RunbookContext, run: Run): Promise<"undoing"> {
  await toUndoing(context, run, { code: "cancelled", message: "Cancelled" });
  return "undoing";
}
