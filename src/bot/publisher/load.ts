import { listAttempts } from "../../journal/attempts.ts";
import { listMembers, loadIncident } from "../../journal/incidents.ts";
import { listApprovals, loadRun } from "../../journal/runs.ts";
import type { Run } from "../../journal/types.ts";
import type { BotContext } from "../context.ts";
import type { IncidentView } from "../present/incident.ts";
import type { RunView } from "../present/run-words.ts";

type LoadContext = Pick<BotContext, "journal" | "config" | "domain">;

/** A run as it stands now, with all that its messages show. */
export async function loadRunView({ journal, config }: LoadContext, run: Run): Promise<RunView> {
  const { approver, admin, breakGlass } = config.roles;
  return {
    run,
    approvals: await listApprovals(journal, run.id),
    attempts: await listAttempts(journal, run.id),
    approvers: {
      users: [...new Set([...(approver?.users ?? []), ...(admin?.users ?? [])])],
      groups: [...new Set([...(approver?.groups ?? []), ...(admin?.groups ?? [])])],
    },
    mayBreakGlass: Boolean(breakGlass?.users.length || breakGlass?.groups.length),
    now: new Date(),
  };
}

export async function findRunView(context: LoadContext, id: number): Promise<RunView | undefined> {
  const run = await loadRun(context.journal, id);
  return run && (await loadRunView(context, run));
}

/** An incident as it stands now; `members` are what its checks read. */
export async function findIncidentView(
  { journal, domain }: LoadContext,
  id: number,
): Promise<IncidentView | undefined> {
  const incident = await loadIncident(journal, id);
  if (!incident) return undefined;
  return {
    incident,
    members: await listMembers(journal, id),
    recommended: incident.state === "resolved" ? null : await domain.recommendedRunbook(journal, incident),
    now: new Date(),
  };
}
