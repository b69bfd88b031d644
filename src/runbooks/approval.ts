import { hasRole, type Roles } from "../config.ts";
import { StewardError } from "../errors.ts";
import type { Actor, Approval, Run } from "../journal/types.ts";

/** Throws unless the run still asks for an approval of the plan that the card showed, and in time. */
export function assertCurrentPlan(run: Run, planHash: string, now: Date): void {
  if (run.state !== "awaiting_approval" || !run.planHash) {
    throw new StewardError(
      "not_awaiting_approval",
      `Run ${run.id} is not waiting for an approval: it is ${run.state.replace("_", " ")}`,
      { hint: "The card now shows where it stands." },
    );
  }
  if (planHash.length < 12 || !run.planHash.startsWith(planHash)) {
    throw new StewardError(
      "plan_changed",
      `The plan of run ${run.id} has changed since that card was drawn`,
      { hint: "Read the new card, then decide again." },
    );
  }
  if (run.expiresAt && run.expiresAt <= now) {
    throw new StewardError("approval_expired", `Run ${run.id} waited too long and has expired`, {
      hint: "Ask for it again.",
    });
  }
}

/**
 * Throws unless this person may decide about this plan of this run now. The rules, in the order people meet
 * them: the run still asks; the card showed the plan that would run; not expired; no guest; not the
 * requester, admins included; the role; not twice.
 */
export function assertMayDecide(
  run: Run,
  decision: { planHash: string; actor: Actor; decision: Approval["decision"] },
  approvals: readonly Approval[],
  roles: Roles,
  now: Date,
): void {
  const { actor, planHash } = decision;
  assertCurrentPlan(run, planHash, now);
  if (actor.kind !== "person" || actor.guest) {
    throw new StewardError(
      "not_allowed",
      "Guests and people from other workspaces cannot approve or reject",
      { hint: "Ask an approver of this workspace." },
    );
  }
  if (decision.decision === "approve" && actor.id === run.requestedBy.id) {
    throw new StewardError("own_request", "You asked for this run, so somebody else has to approve it", {
      hint: "The card says who may approve.",
    });
  }
  if (!hasRole(roles, actor, "approver")) {
    throw new StewardError("not_allowed", "You are not an approver", {
      hint: "The card says who may approve.",
    });
  }
  if (approvals.some((approval) => approval.planHash === run.planHash && approval.actor.id === actor.id)) {
    throw new StewardError("already_decided", "You have decided about this plan already", {
      hint: "Another person has to give the next approval.",
    });
  }
}

/** Whether the plan has all its approvals. */
export function isApproved(run: Run, approvals: readonly Approval[]): boolean {
  const people = approvals
    .filter((approval) => approval.planHash === run.planHash && approval.decision === "approve")
    .map((approval) => approval.actor.id);
  return new Set(people).size >= run.approvalsNeeded;
}
