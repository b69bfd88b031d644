/**
 * What Slack needs of the rest of the house. main.ts fills it in with the house's own functions, so that
 * nothing here knows how runs and incidents are kept. Everything may throw a StewardError meant for the person.
 */
import type { Role, Service } from "../config.ts";
import type { Db } from "../journal/database.ts";
import type { Actor, Decision, Incident, Run } from "../journal/types.ts";
import type { RunRequest } from "../runbooks/requests.ts";

export interface KnownRunbook {
  name: string;
  help: string;
  /** in the order in which they may be given without a name; the service is not among them */
  args: { name: string; required: boolean; help: string; named?: boolean; allowed?: string }[];
}

export interface ReportRequest {
  task: "health";
  /** a service's id; null: all of them */
  service: string | null;
  channel: string;
  requestedBy: string;
  intentId: number;
}

export interface Domain {
  /** `name` or `name@environment`; throws `unknown_service` and `ambiguous_service`, naming the choices */
  findService(typed: string): Service;
  hasRole(actor: Actor, role: Role): boolean;
  knownRunbooks(): KnownRunbook[];
  /** the next due time of each schedule, soonest first */
  nextTicks(): { task: string; at: Date }[];
  requestReport(tx: Db, request: ReportRequest): Promise<void>;
  /** the run's id */
  requestRun(tx: Db, request: RunRequest): Promise<number>;
  /** `planHash` is that of the card which was clicked: whole where it still is the run's, else what the card knew */
  decideApproval(
    tx: Db,
    request: {
      runId: number;
      planHash: string;
      actor: Actor;
      decision: "approve" | "reject";
      reason: string | null;
    },
  ): Promise<Run>;
  /** starts it without a second person: a role of its own, a reason, and a review within a day */
  breakGlass(
    tx: Db,
    request: { runId: number; planHash: string; actor: Actor; reason: string },
  ): Promise<Run>;
  /** a second person has looked at a run that was started by breaking the glass */
  reviewRun(tx: Db, request: { runId: number; actor: Actor }): Promise<Run>;
  /** another way that the plan offers: it is planned anew and asks anew */
  chooseAlternative(
    tx: Db,
    request: { runId: number; planHash: string; index: number; actor: Actor },
  ): Promise<Run>;
  decideStuck(tx: Db, request: { runId: number; actor: Actor; choice: Decision }): Promise<Run>;
  cancelRun(tx: Db, request: { runId: number; actor: Actor }): Promise<Run>;
  acknowledgeIncident(tx: Db, request: { id: number; actor: Actor }): Promise<Incident>;
  resolveIncident(tx: Db, request: { id: number; actor: Actor; reason: string }): Promise<Incident>;
  recommendedRunbook(
    db: Db,
    incident: Incident,
  ): Promise<{ runbook: string; args: Record<string, string> } | null>;
}
