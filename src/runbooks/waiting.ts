import { transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages, say } from "../journal/messages.ts";
import { moveRun } from "../journal/runs.ts";
import type { Attempt, Decision, Run } from "../journal/types.ts";
import type { RunbookContext, Step } from "./runbook.ts";

/** The run now waits as a row, holding no worker; the people who see incidents are told. */
export async function waitForDecision(
  context: RunbookContext,
  run: Run,
  stuck: { step: string; direction: Attempt["direction"]; reason: string },
  choices: Decision[],
): Promise<void> {
  await whileAway(() =>
    transaction(context.journal, async (tx) => {
      const moved = await moveRun(
        tx,
        run.id,
        ["running", "undoing"],
        "needs_decision",
        { decision: { ...stuck, choices } },
        run.token,
      );
      if (!moved) return;
      await appendEvent(tx, { kind: "run", id: run.id }, "needs_decision", {
        data: { step: stuck.step, direction: stuck.direction, reason: stuck.reason },
      });
      await redrawMessages(tx, "run", run.id);
      // the card may be far up in another channel: where incidents are watched, a short call for a decision
      await say(
        tx,
        "note",
        {
          mark: "bad",
          text: `${run.service}: run ${run.id} (${run.runbook}) is stuck at ${stuck.step} and needs a decision: ${stuck.reason}`,
        },
        { channel: context.config.slack.incidents, urgent: true },
      );
    }),
  );
}

/** A step on the way forward that cannot decide for itself: again, count it as done, or take everything back. */
export async function askHowToGoOn(
  context: RunbookContext,
  run: Run,
  step: Pick<Step, "name">,
  failure: Error,
): Promise<void> {
  const stuck = { step: step.name, direction: "do" as const, reason: failure.message };
  await waitForDecision(context, run, stuck, ["retry", "skip", "undo"]);
}
