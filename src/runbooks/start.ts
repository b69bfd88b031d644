/** From queued to running: held, waiting for its turn, asked anew, or begun. */
import { hasRole } from "../config.ts";
import { transaction } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages } from "../journal/messages.ts";
import { activeRun, listApprovals, lockRun, moveRun } from "../journal/runs.ts";
import type { Plan, Run } from "../journal/types.ts";
import { assertStaged, holdOf, keepHeld } from "./holds.ts";
import { computePlan, planDifferences } from "./plan.ts";
import { declared } from "./planning.ts";
import { findRunbook, settleStuck } from "./requests.ts";
import type { RunbookContext } from "./runbook.ts";

/**
 * Starts a queued run if its service is free, nothing holds it back and its plan still holds. `started`: it is
 * running now. `replanned`: what would run has changed, the approval is void and the card asks again.
 * `waiting`: another run holds the service, or its time has not come; it is brought back then.
 */
export async function startQueued(
  context: RunbookContext,
  run: Run,
): Promise<"started" | "replanned" | "waiting" | "gone"> {
  const service = declared(context, run);
  const runbook = findRunbook(context, run.runbook);
  const hold = await holdOf(context, runbook, service, run);
  if (hold) {
    await keepHeld(context, run, hold);
    return "waiting";
  }
  const way = await clearTheWay(context, run, runbook.cure === true);
  if (way !== "clear") return way;
  const { plan, hash } = await computePlan(context, runbook, service, run);
  // what came through in the environment before may have turned ill there since
  if (runbook.planned && run.breakGlass?.planHash !== hash) await assertStaged(context, service, plan);
  const differences = hash === run.planHash ? [] : planDifferences(run.plan!, plan);
  if (run.standing !== null && run.standing !== service.declaration)
    differences.push(
      `the declaration of ${service.id}, which had approved it beforehand, is another one now`,
    );
  differences.push(...(await approvalsLost(context, run)));
  if (differences.length > 0) {
    const expiresAt = new Date(Date.now() + runbook.rules(service).expires);
    await askAgain(context, run, { plan, hash, differences, expiresAt });
    return "replanned";
  }
  try {
    return await transaction(context.journal, async (tx) => {
      const moved = await moveRun(tx, run.id, ["queued"], "running", {
        started: true,
        held: null,
        notBefore: null,
      });
      if (!moved) return "gone";
      await appendEvent(tx, { kind: "run", id: run.id }, "started", { data: { planHash: hash } });
      await redrawMessages(tx, "run", run.id);
      return "started";
    });
  } catch (error) {
    // the unique index on active runs: somebody else's run got in first
    if ((error as { code?: string }).code === "23505") return "waiting";
    throw error;
  }
}

/**
 * Settles the stuck run that was approved to be settled, as its approver. A cure in whose way another one got stuck
 * meanwhile is planned anew, so that its card can offer to settle it; any other run is waited for.
 */
async function clearTheWay(
  context: RunbookContext,
  run: Run,
  cure: boolean,
): Promise<"clear" | "waiting" | "replanned"> {
  const active = await activeRun(context.journal, run.service, run.slot);
  if (!active) return "clear";
  if (active.state !== "needs_decision" || !cure) return "waiting";
  return await transaction(context.journal, async (tx) => {
    const stuck = await lockRun(tx, active.id);
    if (stuck?.state !== "needs_decision") return "waiting";
    const { settles } = run;
    const offered = settles?.choice === "abandon" || stuck.decision?.choices.includes("undo");
    if (settles?.runId !== stuck.id || !offered) {
      await moveRun(tx, run.id, ["queued"], "planning", { settles: null, standing: null, remindedAt: null });
      await redrawMessages(tx, "run", run.id);
      await context.queue.send(tx, "plan", { runId: run.id }, { key: String(run.id) });
      return "replanned";
    }
    const approver = (await listApprovals(tx, run.id)).findLast(({ decision }) => decision === "approve");
    const actor = approver?.actor ?? run.requestedBy;
    await settleStuck(context, tx, stuck, { actor, choice: settles.choice });
    return settles.choice === "abandon" ? "clear" : "waiting";
  });
}

/** Who approved has to be an approver still when it starts: a role that was taken away meanwhile counts for nothing. */
async function approvalsLost(context: RunbookContext, run: Run): Promise<string[]> {
  if (run.standing !== null || run.breakGlass?.planHash === run.planHash) return [];
  const given = (await listApprovals(context.journal, run.id)).filter(
    ({ decision, planHash }) => decision === "approve" && planHash === run.planHash,
  );
  const now = await Promise.all(given.map(({ actor }) => context.asOfNow(actor)));
  const lost = now.filter((actor) => !hasRole(context.config.roles, actor, "approver"));
  if (given.length - lost.length >= run.approvalsNeeded) return [];
  return lost.map(({ id }) => `${id} approved it and may not approve any more`);
}

async function askAgain(
  context: RunbookContext,
  run: Run,
  now: { plan: Plan; hash: string; differences: string[]; expiresAt: Date },
): Promise<void> {
  const { plan, hash, differences, expiresAt } = now;
  const changed = differences.map((line) => `Changed since the approval: ${line}`);
  await transaction(context.journal, async (tx) => {
    const moved = await moveRun(tx, run.id, ["queued"], "awaiting_approval", {
      plan: { ...plan, context: { ...plan.context, warnings: [...changed, ...plan.context.warnings] } },
      planHash: hash,
      expiresAt,
      standing: null,
      remindedAt: null,
      held: null,
      notBefore: run.scheduledFor,
    });
    if (!moved) return;
    await appendEvent(tx, { kind: "run", id: run.id }, "plan_changed", {
      data: { differences, planHash: hash },
    });
    await redrawMessages(tx, "run", run.id);
  });
}
