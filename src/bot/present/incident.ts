import type { Incident, IncidentMember, ReadingState } from "../../journal/types.ts";
import { who } from "./actor.ts";
import { type ButtonFace, buttons, context, message, type Presented, section } from "./blocks.ts";
import { incidentMark, readingMark, worstFirst } from "./marks.ts";
import { capital, count, duration, line, moment, safe } from "./text.ts";

/** An incident with all that its root message shows. */
export interface IncidentView {
  incident: Incident;
  members: IncidentMember[];
  /** offered as a button while the incident is open */
  recommended: { runbook: string; args: Record<string, string> } | null;
  now: Date;
}

const MEMBERS = 6;

/** The root message: what is broken, since when, as observed, who has it, and what can be done. */
export function presentIncident(view: IncidentView): Presented {
  const { incident, members } = view;
  const title = `${line(incident.service, 80)}: ${line(withoutService(incident), 200)}`;
  const text = incident.state === "resolved" ? `Resolved: ${title}` : title;
  return message(
    text,
    [
      section(`${incidentMark[incident.state]} *${title}*\n${stateLine(view)}`),
      section(memberLines(members)),
      ...buttons(faces(view)),
      context(footer(view)),
    ],
    "Timeline has all of it",
  );
}

function faces({ incident, recommended }: IncidentView): ButtonFace[] {
  if (incident.state === "resolved" || incident.observed) return [];
  const value = incidentValue(incident);
  const acknowledge: ButtonFace = { action: "incident_ack", label: "Acknowledge", value, style: "primary" };
  const runbook: ButtonFace[] = recommended
    ? [{ action: "incident_runbook", label: `${capital(recommended.runbook)} ${incident.service}`, value }]
    : [];
  return [
    ...(incident.state === "open" ? [acknowledge] : []),
    ...runbook,
    { action: "incident_resolve", label: "Resolve", value },
    { action: "incident_timeline", label: "Timeline", value },
  ];
}

/** An incident's button carries its id and revision, and nothing else. */
export function incidentValue(incident: Pick<Incident, "id" | "revision">): string {
  return `${incident.id}.${incident.revision}`;
}

function stateLine({ incident, now }: IncidentView): string {
  const since = `since ${moment(incident.since)}`;
  if (incident.state === "resolved") {
    const lasted = duration((incident.resolvedAt ?? now).getTime() - incident.since.getTime());
    const how = incident.resolution ? `: ${safe(incident.resolution, 600)}` : "";
    return `Resolved by ${who(incident.resolvedBy)} after ${lasted}${how}`;
  }
  if (incident.observed)
    return `Broken ${since}. ${line(incident.service, 80)} is in observe mode: recorded, nobody is paged.`;
  if (incident.state === "acknowledged") return `Broken ${since}. ${who(incident.acknowledgedBy)} has it.`;
  return `Broken ${since}. Nobody has it yet.`;
}

/** Readings as observed, worst first: `red circle  http: GET …: 503, expected 200` */
function memberLines(members: IncidentMember[]): string {
  const sorted = worstFirst(members.map((member) => ({ state: member.state as ReadingState, member })));
  const lines = sorted
    .slice(0, MEMBERS)
    .map(
      ({ state, member }) => `${readingMark[state]} ${line(member.reading.summary || member.checkName, 250)}`,
    );
  const more = sorted.length - lines.length;
  if (more > 0) lines.push(`… and ${count(more, "reading")} more: see Timeline`);
  return lines.join("\n") || "No readings were kept.";
}

function footer({ incident }: IncidentView): string {
  const times = incident.occurrences > 1 ? ` · ${count(incident.occurrences, "time", "times")} in a row` : "";
  return `incident ${incident.id} · ${line(incident.severity, 20)}${times}`;
}

function withoutService({ title, service }: Incident): string {
  return title.startsWith(`${service}: `)
    ? title.slice(service.length + 2)
    : title.startsWith(`${service} `)
      ? title.slice(service.length + 1)
      : title;
}
