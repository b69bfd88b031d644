/** From settled checks to incidents: opened, kept up to date and closed in the transaction of the readings. */
import type { Config, Service } from "../config.ts";
import type { Db } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import {
  claimIncident,
  closedByHandAt,
  findOpenIncident,
  listMembers,
  resolve,
  saveMember,
  stopObserving,
  touchIncident,
} from "../journal/incidents.ts";
import { findMessage, redrawMessages, wantMessage } from "../journal/messages.ts";
import type { CheckState, Incident } from "../journal/types.ts";
import { noteInThread } from "./actions.ts";

/** A recurrence within this time is the same trouble and goes on in the same thread. */
const REOPEN_WITHIN_MS = 30 * 60_000;
/** First light groups by service: everything that turns critical in one service is one incident. */
const CAUSE = "service";
const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });

/**
 * Brings the service's incident in line with its checks. `states` are all of its checks now. Critical opens
 * or reopens; any change is shown; when every member is good again the incident is closed. What a person closed
 * while it failed stays closed until a check turns critical anew.
 */
export async function followReadings(
  context: { config: Config },
  tx: Db,
  service: Service,
  states: CheckState[],
): Promise<void> {
  const critical = states.filter((state) => state.settled === "critical");
  const open = await findOpenIncident(tx, service.id, CAUSE);
  if (!open) {
    // who closed it while it failed knows of that failure: only one that began later is news
    const closedAt = await closedByHandAt(tx, service.id, CAUSE);
    if (!critical.some((state) => !closedAt || state.settledSince > closedAt)) return;
  }
  const incident = open ?? (await openIncident(context, tx, service, critical));
  if (open?.observed && !service.observe && critical.length > 0)
    await stopObservation(context, tx, service, open);
  await updateMembers(tx, incident, states);
  if (critical.length === 0) await closeWhenWell(tx, incident, states);
}

async function openIncident(
  context: { config: Config },
  tx: Db,
  service: Service,
  critical: CheckState[],
): Promise<Incident> {
  const worst = critical[0]!.reading;
  const { incident, created } = await claimIncident(tx, {
    service: service.id,
    cause: CAUSE,
    title: worst.summary,
    observed: service.observe,
    reopenWithinMs: REOPEN_WITHIN_MS,
  });
  if (!created) return incident;
  await appendEvent(tx, { kind: "incident", id: incident.id }, created === "new" ? "opened" : "reopened", {
    data: { summary: worst.summary, count: incident.occurrences },
  });
  if (service.observe) return incident;
  if (created === "new" || !(await findMessage(tx, "incident", incident.id))) {
    await page(context, tx, service, incident);
  } else {
    await redrawMessages(tx, "incident", incident.id);
    await noteInThread(tx, incident.id, {
      mark: "bad",
      text: `again, for the ${ordinal(incident.occurrences)} time: ${worst.summary}`,
    });
  }
  return incident;
}

/** The service was taken out of observe mode in the middle of its trouble: now people hear of it. */
async function stopObservation(
  context: { config: Config },
  tx: Db,
  service: Service,
  incident: Incident,
): Promise<void> {
  await stopObserving(tx, incident.id);
  await appendEvent(tx, { kind: "incident", id: incident.id }, "opened", {
    data: { summary: incident.title },
  });
  await page(context, tx, service, incident);
}

async function page(
  context: { config: Config },
  tx: Db,
  service: Service,
  incident: Incident,
): Promise<void> {
  const channel = service.incidents ?? context.config.slack.incidents;
  await wantMessage(tx, { subjectKind: "incident", subjectId: incident.id, channel, urgent: true });
}

async function updateMembers(tx: Db, incident: Incident, states: CheckState[]): Promise<void> {
  const members = new Set((await listMembers(tx, incident.id)).map((member) => member.checkName));
  for (const state of states) {
    if (state.settled !== "critical" && !members.has(state.name)) continue;
    const changed = await saveMember(tx, incident.id, state.reading, state.settled);
    if (!changed) continue;
    await appendEvent(tx, { kind: "incident", id: incident.id }, "reading", {
      data: { check: state.name, state: state.settled, summary: state.reading.summary },
    });
  }
  await touchIncident(tx, incident.id);
  await redrawMessages(tx, "incident", incident.id);
}

async function closeWhenWell(tx: Db, incident: Incident, states: CheckState[]): Promise<void> {
  const members = await listMembers(tx, incident.id);
  const settled = new Map(states.map((state) => [state.name, state.settled]));
  // a check that is not declared any more no longer holds the incident open
  if (members.some((member) => settled.has(member.checkName) && settled.get(member.checkName) !== "ok"))
    return;
  const closed = await resolve(
    tx,
    incident.id,
    { kind: "system", id: "checks" },
    "the checks are good again",
  );
  if (!closed) return;
  await appendEvent(tx, { kind: "incident", id: incident.id }, "resolved", {
    data: { reason: "the checks are good again" },
  });
  await redrawMessages(tx, "incident", incident.id);
  await noteInThread(tx, incident.id, { mark: "good", text: "The checks are good again. Closed." });
}

function ordinal(count: number): string {
  if (count === 2 || count === 3) return count === 2 ? "second" : "third";
  const ending = { one: "st", two: "nd", few: "rd" } as Partial<Record<Intl.LDMLPluralRule, string>>;
  return `${count}${ending[ORDINALS.select(count)] ?? "th"}`;
}
