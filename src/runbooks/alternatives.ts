import { hasRole } from "../config.ts";
import { StewardError } from "../errors.ts";
import type { Db } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages } from "../journal/messages.ts";
import { lockRun, moveRun } from "../journal/runs.ts";
import type { Actor, Run } from "../journal/types.ts";
import { assertCurrentPlan } from "./approval.ts";
import type { RunbookContext } from "./runbook.ts";

/**
 * Takes another way that the plan offers, such as code only: planned anew, with a hash of its own, and nobody's
 * earlier approval counts for it. Operators and approvers may choose; approving is a step of its own.
 */
export async function chooseAlternative(
  context: RunbookContext,
  tx: Db,
  request: { runId: number; planHash: string; index: number; actor: Actor },
): Promise<Run> {
  const run = await lockRun(tx, request.runId);
  if (!run)
    throw new StewardError("unknown_run", `There is no run ${request.runId}`, {
      hint: "/ops runs lists them.",
    });
  assertCurrentPlan(run, request.planHash, new Date());
  const { roles } = context.config;
  if (!hasRole(roles, request.actor, "operator") && !hasRole(roles, request.actor, "approver")) {
    throw new StewardError("not_allowed", "Only operators and approvers may choose how a run is done", {
      hint: "They are named in steward.yml (roles).",
    });
  }
  const chosen = run.plan?.alternatives?.[request.index];
  if (!chosen) {
    throw new StewardError("no_such_choice", `Run ${run.id} has no alternative ${request.index + 1}`, {
      hint: "The card now shows what there is to choose from.",
    });
  }
  const moved = (await moveRun(tx, run.id, ["awaiting_approval"], "planning", {
    args: chosen.args,
    settles: null,
    remindedAt: null,
  }))!;
  await appendEvent(tx, { kind: "run", id: run.id }, "alternative", {
    actor: request.actor,
    data: { label: chosen.label },
  });
  await redrawMessages(tx, "run", run.id);
  await context.queue.send(tx, "plan", { runId: run.id }, { key: String(run.id) });
  return moved;
}
