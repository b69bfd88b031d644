import type { Db } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { findMessage, redrawMessages, say } from "../journal/messages.ts";
import { createRun, moveRun, nextQueuedRun, type RunChange } from "../journal/runs.ts";
import type { Run, RunState } from "../journal/types.ts";
import type { RunbookContext } from "./runbook.ts";

/**
 * Ends a run and lets the next one of the service in, in the caller's transaction: there is no moment in
 * which the one has ended and the other was forgotten. Undefined when the run was not in one of `from`.
 */
export async function endRun(
  context: RunbookContext,
  tx: Db,
  run: Run,
  state: RunState,
  options: { from: RunState[]; token?: number; error?: RunChange["error"] },
): Promise<Run | undefined> {
  const ended = await moveRun(
    tx,
    run.id,
    options.from,
    state,
    { ended: true, decision: null, ...(options.error ? { error: options.error } : {}) },
    options.token,
  );
  if (!ended) return undefined;
  await appendEvent(tx, { kind: "run", id: run.id }, state, {
    data: ended.error ? { code: ended.error.code, message: ended.error.message } : {},
  });
  await redrawMessages(tx, "run", run.id);
  const card = await findMessage(tx, "run", run.id);
  if (card && ended.startedAt) {
    await say(
      tx,
      "run-output",
      { runId: run.id, name: `run-${run.id}.log` },
      { channel: card.channel, threadOf: card.threadOf ?? card.id },
    );
  }
  await askNext(context, tx, ended, state);
  const next = await nextQueuedRun(tx, run.service, run.slot);
  if (next) await context.queue.send(tx, "run", { runId: next.id }, { key: String(next.id) });
  return ended;
}

/** What an end leads to, such as the update to what was just released: asked for by the same person. */
async function askNext(context: RunbookContext, tx: Db, run: Run, state: RunState): Promise<void> {
  const runbook = context.runbooks.find(({ name }) => name === run.runbook);
  if (!run.plan || !runbook) return;
  const again = state === "undone" && runbook.plansAgainAfter?.includes(run.error?.code ?? "");
  const next = again
    ? { runbook: run.runbook, service: run.service, args: run.args }
    : state === "succeeded"
      ? runbook.next?.(run.plan)
      : null;
  if (!next) return;
  const id = await createRun(tx, {
    ...next,
    requestedBy: run.requestedBy,
    channel: run.channel,
    intentId: null,
    follows: run.id,
  });
  await appendEvent(tx, { kind: "run", id }, "requested", {
    actor: run.requestedBy,
    data: { runbook: next.runbook, service: next.service, follows: run.id },
  });
  await context.queue.send(tx, "plan", { runId: id }, { key: String(id) });
}
