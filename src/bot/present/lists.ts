/** Answers to people that are lists: status, runs, incidents, help. */
import type { IncidentState, Json, ReadingState, RunState } from "../../journal/types.ts";
import { person } from "./actor.ts";
import { context, message, type Presented, section, sections } from "./blocks.ts";
import { incidentMark, readingMark, runMark, runWord } from "./marks.ts";
import { count, line, moment } from "./text.ts";

export interface StatusData {
  services: {
    id: string;
    observe: boolean;
    state: ReadingState;
    checks: number;
    version: string | null;
    incidents: number[];
    run: { id: number; title: string; state: RunState } | null;
  }[];
  next: { task: string; at: string } | null;
}

export function presentStatus(data: { [key: string]: Json }): Presented {
  const { services, next } = data as unknown as StatusData;
  const bad = services.filter(({ state }) => state !== "ok");
  const text =
    services.length === 0
      ? "No services are declared"
      : bad.length === 0
        ? `${count(services.length, "service")}, all well`
        : `${bad.map(({ id, state }) => `${line(id, 60)}: ${state}`).join("; ")}`;
  const lines = services.map((service) =>
    [
      `${readingMark[service.state]} *${line(service.id, 80)}* ${service.state === "ok" ? "ok" : service.state}`,
      service.version ? `runs ${line(service.version, 60)}` : "no release recorded",
      service.checks === 0 ? "nothing was measured yet" : "",
      service.incidents.length ? `incident ${service.incidents.slice(0, 5).join(", ")} open` : "",
      service.run
        ? `${line(service.run.title, 150)} (run ${service.run.id}) is ${runWord[service.run.state]}`
        : "",
      service.observe ? "observe mode" : "",
    ]
      .filter(Boolean)
      .join(" · "),
  );
  return message(
    text,
    [
      ...sections(lines.join("\n") || "No services are declared: see steward.yml."),
      ...(next ? [context(`Next ${line(next.task, 60)} report ${moment(next.at)}`)] : []),
    ],
    "ask for one with `/ops health SERVICE`",
  );
}

export interface RunsData {
  runs: { id: number; title: string; state: RunState; requestedBy: string; createdAt: string }[];
}

export function presentRuns(data: { [key: string]: Json }): Presented {
  const { runs } = data as unknown as RunsData;
  if (runs.length === 0)
    return message("No runs yet", [section("No runs yet. `/ops help` lists what can be run.")]);
  const lines = runs.map(
    (run) =>
      `${runMark[run.state]} *${run.id}* ${line(run.title, 150)}: ${runWord[run.state]} · ${person(run.requestedBy)} ${moment(run.createdAt)}`,
  );
  return message(`The last ${count(runs.length, "run")}`, [
    ...sections(lines.join("\n")),
    context("`/ops run ID` tells the whole story of one."),
  ]);
}

export interface IncidentsData {
  incidents: {
    id: number;
    service: string;
    title: string;
    state: IncidentState;
    openedAt: string;
    occurrences: number;
    acknowledgedBy: string | null;
  }[];
}

export function presentIncidents(data: { [key: string]: Json }): Presented {
  const { incidents } = data as unknown as IncidentsData;
  const open = incidents.filter(({ state }) => state !== "resolved");
  if (incidents.length === 0) return message("No incidents", [section(":white_check_mark: No incidents.")]);
  const lines = incidents.map(
    (incident) =>
      `${incidentMark[incident.state]} *${incident.id}* ${line(incident.service, 60)}: ${line(incident.title, 200)} · ${incident.state}${incident.acknowledgedBy ? ` by ${person(incident.acknowledgedBy)}` : ""} · ${moment(incident.openedAt)}${incident.occurrences > 1 ? ` · ${incident.occurrences} times` : ""}`,
  );
  return message(
    open.length ? `${count(open.length, "open incident")}` : "No open incidents",
    sections(lines.join("\n")),
    "older ones are in the journal",
  );
}

export interface HelpData {
  commands: { usage: string; help: string; acts: boolean }[];
  runbooks: { usage: string; help: string }[];
  services: string[];
}

export function presentHelp(data: { [key: string]: Json }): Presented {
  const { commands, runbooks, services } = data as unknown as HelpData;
  const row = ({ usage, help }: { usage: string; help: string }) =>
    `\`/ops ${line(usage, 200).replaceAll("`", "ˋ")}\`  ${line(help, 300)}`;
  return message("What Steward can do", [
    section(
      "*Steward* watches your services, reports on them, and carries out the maintenance that people approve.",
    ),
    ...sections(
      `*Look*\n${commands
        .filter(({ acts }) => !acts)
        .map(row)
        .join("\n")}`,
    ),
    ...sections(`*Act*\n${[...runbooks, ...commands.filter(({ acts }) => acts)].map(row).join("\n")}`),
    context(
      `Add \`--plan\` to a runbook to see what it would do; nobody is asked then. Services: ${services.map((id) => line(id, 60)).join(", ") || "none declared"}.`,
    ),
  ]);
}
