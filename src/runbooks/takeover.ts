/** What became of an attempt whose holder is gone: nothing is repeated beside a process that still acts. */
import type { Service } from "../config.ts";
import { closeInterrupted } from "../journal/attempts.ts";
import { whileAway } from "../journal/database.ts";
import type { Attempt, Run } from "../journal/types.ts";
import { probeStep } from "./attempt.ts";
import type { RunbookContext, Step } from "./runbook.ts";
import { waitForDecision } from "./waiting.ts";

/**
 * Settles an open attempt of an earlier holder. First its process is proven dead, killed with its group if
 * need be; then a step that is not idempotent is probed. `go`: the step may be done (again) or is recorded
 * as done. `ask`: the run now waits for a decision.
 */
export async function settleInterrupted(
  context: RunbookContext,
  input: { run: Run; service: Service; attempt: Attempt; step: Step | undefined; signal: AbortSignal },
): Promise<"go" | "ask"> {
  const { run, service, attempt, step, signal } = input;
  const ask = async (reason: string) => {
    await whileAway(() => closeInterrupted(context.journal, attempt, run.token, "interrupted"), signal);
    await waitForDecision(
      context,
      run,
      { step: attempt.step, direction: attempt.direction, reason },
      attempt.direction === "do" ? ["retry", "skip", "undo"] : ["retry", "skip", "abandon"],
    );
    return "ask" as const;
  };
  const here = context.host();
  const host = attempt.process?.host === here.name ? here : context.host(service, step?.lane);
  if (attempt.process && !(await host.killGroup(attempt.process))) {
    return await ask(`its process ${attempt.process.pid} on ${attempt.process.host} cannot be proven dead`);
  }
  const done = step?.probe && attempt.direction === "do" ? await probeStep(context, input, step) : undefined;
  if (done === "done") {
    await whileAway(() => closeInterrupted(context.journal, attempt, run.token, "done"), signal);
    return "go";
  }
  // taking back is always written to be repeatable
  if (step && (step.idempotent || attempt.direction === "undo" || done === "not done")) {
    await whileAway(() => closeInterrupted(context.journal, attempt, run.token, "interrupted"), signal);
    return "go";
  }
  return await ask("it was interrupted and may have acted; doing it twice could do harm");
}
