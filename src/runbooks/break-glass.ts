/** The way for a night shift of one: started at once by a named role, with a reason, marked, and reviewed after. */
import { hasRole } from "../config.ts";
import { StewardError } from "../errors.ts";
import type { Db } from "../journal/database.ts";
import { transaction } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages, say } from "../journal/messages.ts";
import { lockRun, moveRun, recordApproval, unreviewedRuns } from "../journal/runs.ts";
import type { Actor, Json, Run } from "../journal/types.ts";
import { assertCurrentPlan } from "./approval.ts";
import type { RunbookContext } from "./runbook.ts";

const REVIEW_WITHIN_MS = 24 * 3_600_000;
const NAG_EVERY_MS = 12 * 3_600_000;

/** Starts a run that waits for an approval, or is held back, without a second person. The requester may do it. */
export async function breakGlass(
  context: RunbookContext,
  tx: Db,
  request: { runId: number; planHash: string; actor: Actor; reason: string },
): Promise<Run> {
  const run = await lockKnown(tx, request.runId);
  const { actor } = request;
  const reason = context.redact(request.reason.trim());
  if (run.state !== "queued" || !run.held) assertCurrentPlan(run, request.planHash, new Date());
  if (!hasRole(context.config.roles, actor, "breakGlass")) {
    throw new StewardError("not_allowed", "You are not among those who may break the glass", {
      hint: "They are named in steward.yml (roles.breakGlass). An approver can approve it.",
    });
  }
  if (!reason) {
    throw new StewardError("reason_missing", "Breaking the glass needs a reason", {
      hint: "Press the button again and say why it cannot wait.",
    });
  }
  const planHash = run.planHash!;
  await recordApproval(tx, { runId: run.id, planHash, actor, decision: "approve", reason });
  const now = new Date();
  const dueAt = new Date(now.getTime() + REVIEW_WITHIN_MS);
  const moved = (await moveRun(tx, run.id, [run.state], "queued", {
    breakGlass: { actor, reason, at: now.toISOString(), planHash },
    reviewDueAt: dueAt,
    reviewed: null,
    held: null,
    notBefore: null,
  }))!;
  await appendEvent(tx, { kind: "run", id: run.id }, "glass_broken", { actor, data: { planHash, reason } });
  await redrawMessages(tx, "run", run.id);
  await say(tx, "review-wanted", reviewOf(moved), {
    channel: context.config.slack.incidents,
    urgent: true,
  });
  await context.queue.send(tx, "run", { runId: run.id }, { key: String(run.id) });
  return moved;
}

/** A second person has looked at what was done. */
export async function reviewRun(
  context: RunbookContext,
  tx: Db,
  request: { runId: number; actor: Actor },
): Promise<Run> {
  const run = await lockKnown(tx, request.runId);
  const { actor } = request;
  if (!run.breakGlass || run.reviewed) {
    const why = run.reviewed ? "has been reviewed already" : "was not started by breaking the glass";
    throw new StewardError("no_review_wanted", `Run ${run.id} ${why}`);
  }
  if (actor.id === run.breakGlass.actor.id || actor.id === run.requestedBy.id) {
    throw new StewardError("own_request", "You started this run, so somebody else has to review it", {
      hint: "Ask another approver.",
    });
  }
  if (!hasRole(context.config.roles, actor, "approver")) {
    throw new StewardError("not_allowed", "You are not an approver, so you cannot review runs", {
      hint: "Approvers are named in steward.yml (roles.approver).",
    });
  }
  const reviewed = { actor, at: new Date().toISOString() };
  const moved = (await moveRun(tx, run.id, [run.state], run.state, { reviewed }))!;
  await appendEvent(tx, { kind: "run", id: run.id }, "reviewed", { actor });
  await redrawMessages(tx, "run", run.id);
  await say(
    tx,
    "note",
    { mark: "good", text: `has reviewed run ${run.id} (${reviewOf(run).title})`, actor: actor.id },
    { channel: context.config.slack.incidents },
  );
  return moved;
}

/** Reminds of reviews that are overdue, every 12 hours until somebody has looked. */
export async function nagForReviews(context: RunbookContext): Promise<void> {
  const before = new Date(Date.now() - NAG_EVERY_MS);
  for (const { id } of await unreviewedRuns(context.journal, before)) {
    await transaction(context.journal, async (tx) => {
      const run = await lockRun(tx, id);
      if (!run?.breakGlass || run.reviewed || (run.naggedAt && run.naggedAt > before)) return;
      await moveRun(tx, run.id, [run.state], run.state, { naggedAt: new Date() });
      await say(tx, "review-overdue", reviewOf(run), {
        channel: context.config.slack.incidents,
        urgent: true,
      });
    });
  }
}

function reviewOf(run: Run): { [key: string]: Json } {
  return {
    runId: run.id,
    title: run.plan?.title ?? `${run.runbook} ${run.service}`,
    by: run.breakGlass!.actor.id,
    reason: run.breakGlass!.reason,
    dueAt: run.reviewDueAt!.toISOString(),
  };
}

async function lockKnown(tx: Db, id: number): Promise<Run> {
  const run = await lockRun(tx, id);
  if (run) return run;
  throw new StewardError("unknown_run", `There is no run ${id}`, { hint: "/ops runs lists them." });
}
