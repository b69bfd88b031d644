/** Approvals that were given beforehand: declared by the service, limited an hour, recorded like any other. */
import { hasRole, type Service } from "../config.ts";
import type { Db } from "../journal/database.ts";
import { countStandingRuns } from "../journal/runs.ts";
import type { Plan, Run } from "../journal/types.ts";

const HOUR_MS = 3_600_000;
/** of what Steward begins by itself, where the declaration names no number */
const AUTOMATIC_HOURLY = 2;

/** How often this hour, this one included, out of how many. */
export interface StandingApproval {
  used: number;
  hourly: number;
}

/**
 * Whether the service's declaration approves this plan. Rollbacks count only while the database stays as it is
 * or goes back by its own down-migrations; what Steward begins by itself, only where `onCritical: undo` says so.
 * Call it in the transaction that queues the run: two runs cannot both be the last one of the hour.
 */
export async function standingApproval(
  tx: Db,
  service: Service,
  run: Pick<Run, "requestedBy" | "createdAt">,
  plan: Plan,
): Promise<StandingApproval | null> {
  const hourly = allowance(service, run, plan);
  if (hourly === null) return null;
  const since = new Date(Date.now() - HOUR_MS);
  const used = 1 + (await countStandingRuns(tx, { service: service.id, runbook: plan.runbook, since }));
  return used <= hourly ? { used, hourly } : null;
}

function allowance(service: Service, { requestedBy }: Pick<Run, "requestedBy">, plan: Plan): number | null {
  if (plan.runbook !== "restart" && plan.runbook !== "rollback") return null;
  const rule = service.standing[plan.runbook];
  const database = plan.subject.database ?? "keep";
  if (requestedBy.kind === "system") {
    const declared = service.runbooks.update.onCritical === "undo" && plan.runbook === "rollback";
    const harmless = database === "down" || (database === "keep" && plan.risk !== "high");
    return declared && harmless ? (rule?.hourly ?? AUTOMATIC_HOURLY) : null;
  }
  if (!rule || (plan.runbook === "rollback" && database !== "keep")) return null;
  return !rule.by || hasRole({ operator: rule.by }, requestedBy, "operator") ? rule.hourly : null;
}
