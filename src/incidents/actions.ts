/** What people may do to an incident, inside the caller's transaction. */
import { type Config, hasRole } from "../config.ts";
import { StewardError } from "../errors.ts";
import type { Db } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { acknowledge, listMembers, loadIncident, resolve } from "../journal/incidents.ts";
import { findMessage, redrawMessages, say } from "../journal/messages.ts";
import { listReleases } from "../journal/releases.ts";
import type { Actor, Incident } from "../journal/types.ts";

const RELEASE_IS_FRESH_MS = 3_600_000;

/** "I have it": the incident shows who, and stays open. */
export async function acknowledgeIncident(
  context: { config: Config },
  tx: Db,
  request: { id: number; actor: Actor },
): Promise<Incident> {
  const incident = await known(tx, request.id);
  assertResponder(context.config, request.actor);
  const acknowledged = await acknowledge(tx, incident.id, request.actor);
  if (!acknowledged) {
    const { state } = await known(tx, request.id);
    throw new StewardError("not_open", `Incident ${incident.id} is ${state} already`);
  }
  await appendEvent(tx, { kind: "incident", id: incident.id }, "acknowledged", { actor: request.actor });
  await redrawMessages(tx, "incident", incident.id);
  await noteInThread(tx, incident.id, { mark: "info", text: "has it", actor: request.actor.id });
  return acknowledged;
}

/** Closes by hand. While a check still fails that needs a reason. */
export async function resolveIncident(
  context: { config: Config },
  tx: Db,
  request: { id: number; actor: Actor; reason: string | null },
): Promise<Incident> {
  const incident = await known(tx, request.id);
  assertResponder(context.config, request.actor);
  if (incident.state === "resolved") throw alreadyResolved(incident);
  const failing = (await listMembers(tx, incident.id)).filter((member) => member.state !== "ok");
  const reason = request.reason?.trim() ?? "";
  if (failing.length > 0 && !reason) {
    throw new StewardError(
      "reason_missing",
      `${failing.map((member) => member.checkName).join(", ")} still ${failing.length === 1 ? "fails" : "fail"}, so closing needs a reason`,
      {
        hint: `/ops incident resolve ${incident.id} REASON, or the Resolve button.`,
      },
    );
  }
  const resolved = await resolve(tx, incident.id, request.actor, reason || "closed by hand");
  if (!resolved) throw alreadyResolved(incident);
  await appendEvent(tx, { kind: "incident", id: incident.id }, "resolved", {
    actor: request.actor,
    data: { reason },
  });
  await redrawMessages(tx, "incident", incident.id);
  await noteInThread(tx, incident.id, {
    mark: "good",
    text: `closed this${reason ? `: ${reason}` : ""}`,
    actor: request.actor.id,
  });
  return resolved;
}

/** The runbook that the incident's button offers: back after a fresh release, else a restart, else none. */
export async function recommendedRunbook(
  context: { config: Config },
  db: Db,
  incident: Incident,
): Promise<{ runbook: string; args: Record<string, string> } | null> {
  const service = context.config.services.find((candidate) => candidate.id === incident.service);
  if (!service || service.observe || incident.state === "resolved") return null;
  const [newest, before] = await listReleases(db, service.id, 2);
  const fresh =
    newest && Date.now() - newest.at.getTime() < RELEASE_IS_FRESH_MS && newest.notes.runbook === "update";
  if (fresh && before && service.repository) return { runbook: "rollback", args: {} };
  const { restart, stop, start } = service.commands;
  return restart || (stop && start) ? { runbook: "restart", args: {} } : null;
}

/** A reply in the incident's thread. */
export async function noteInThread(
  tx: Db,
  incidentId: number,
  note: { mark: string; text: string; actor?: string },
): Promise<void> {
  const root = await findMessage(tx, "incident", incidentId);
  if (root) await say(tx, "note", { ...note }, { channel: root.channel, threadOf: root.id });
}

function assertResponder(config: Config, actor: Actor): void {
  if (
    actor.kind === "system" ||
    hasRole(config.roles, actor, "operator") ||
    hasRole(config.roles, actor, "approver")
  )
    return;
  throw new StewardError("not_allowed", "Only operators and approvers may act on incidents", {
    hint: "They are named in steward.yml (roles).",
  });
}

function alreadyResolved({ id }: Incident): StewardError {
  return new StewardError("not_open", `Incident ${id} is resolved already`);
}

async function known(db: Db, id: number): Promise<Incident> {
  const incident = await loadIncident(db, id);
  if (incident) return incident;
  throw new StewardError("unknown_incident", `There is no incident ${id}`, {
    hint: "/ops incidents lists them.",
  });
}
