import type { KnownBlock } from "@slack/types";
import type { Json, ReadingState } from "../../journal/types.ts";
import { person } from "./actor.ts";
import { context, divider, message, type Presented, section, sections } from "./blocks.ts";
import { BADNESS, readingMark, worstFirst } from "./marks.ts";
import { count, line, moment } from "./text.ts";

/** What the health task writes down. `at` is ISO. */
export interface HealthReport {
  at: string;
  service: string | null;
  scheduled: boolean;
  requestedBy: string | null;
  services: {
    id: string;
    observe: boolean;
    state: ReadingState;
    readings: {
      check: string;
      type: string;
      component: string;
      state: ReadingState;
      summary: string;
      value: number | null;
      unit: string;
    }[];
  }[];
  openIncidents: { id: number; service: string; title: string; state: string }[];
  /** of services in observe mode, in the last 24 hours */
  wouldHavePaged: { service: string; title: string; occurrences: number }[];
}

/** All well: one short message. Otherwise the worst first, then every service's readings. */
export function presentHealth(data: { [key: string]: Json }): Presented {
  const report = data as unknown as HealthReport;
  const services = worstFirst(report.services);
  const whereElse = "ask for one service with `/ops health SERVICE`";
  const headline = verdict(report);
  const worst = services[0]?.state ?? "unknown";
  const top = [
    section(`${readingMark[worst]} *${headline}*`),
    ...incidents(report),
    ...observed(report),
    context(footer(report)),
  ];
  if (worst === "ok")
    return message(
      headline,
      [...top.slice(0, -1), section(services.map(greenLine).join("\n") || "-"), ...top.slice(-1)],
      whereElse,
    );
  return message(
    headline,
    [...top, ...services.flatMap((service): KnownBlock[] => [divider, ...serviceBlocks(service)])],
    whereElse,
  );
}

function verdict({ services, service }: HealthReport): string {
  if (services.length === 0)
    return service ? `${line(service, 80)}: nothing is measured` : "No services are declared";
  const tally = BADNESS.map((state) => ({
    state,
    ids: services.filter((one) => one.state === state).map((one) => line(one.id, 40)),
  }));
  const bad = tally.filter(({ state, ids }) => state !== "ok" && ids.length > 0);
  if (bad.length === 0)
    return services.length === 1
      ? `${line(services[0]!.id, 80)} is healthy`
      : `All ${services.length} services are healthy`;
  return bad
    .map(
      ({ state, ids }) =>
        `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ` and ${ids.length - 3} more` : ""}: ${state}`,
    )
    .join("; ");
}

/** One line where all is well: the components and their figures. */
function greenLine(service: HealthReport["services"][number]): string {
  const readings = service.readings.map((reading) => line(reading.summary, 120)).join(" · ");
  return `${readingMark[service.state]} *${line(service.id, 80)}*${service.observe ? " (observe mode)" : ""}  ${readings}`;
}

function serviceBlocks(service: HealthReport["services"][number]): KnownBlock[] {
  const lines = worstFirst(service.readings).map(
    (reading) =>
      `${readingMark[reading.state]} ${line(reading.component, 40)} · ${line(reading.summary, 300)}`,
  );
  return sections(
    `*${line(service.id, 80)}*: ${service.state}${service.observe ? " (observe mode)" : ""}\n${lines.join("\n") || "nothing is measured"}`,
  );
}

function incidents({ openIncidents }: HealthReport): KnownBlock[] {
  if (openIncidents.length === 0) return [];
  const lines = openIncidents
    .slice(0, 10)
    .map(
      ({ id, title, service, state }) =>
        `:rotating_light: incident ${id} · ${line(service, 60)}: ${line(title, 150)} (${line(state, 20)})`,
    );
  if (openIncidents.length > 10)
    lines.push(`… and ${count(openIncidents.length - 10, "incident")} more: \`/ops incidents\``);
  return sections(lines.join("\n"));
}

function observed({ wouldHavePaged }: HealthReport): KnownBlock[] {
  if (wouldHavePaged.length === 0) return [];
  const lines = wouldHavePaged
    .slice(0, 10)
    .map(
      ({ service, title, occurrences }) =>
        `• ${line(service, 60)}: ${line(title, 150)}${occurrences > 1 ? ` (${occurrences} times)` : ""}`,
    );
  const more = wouldHavePaged.length - lines.length;
  if (more > 0) lines.push(`… and ${count(more, "incident")} more`);
  return sections(
    `:eyes: In observe mode; ${count(wouldHavePaged.length, "incident")} would have paged in the last 24 hours:\n${lines.join("\n")}`,
  );
}

function footer({ at, scheduled, requestedBy }: HealthReport): string {
  const origin = scheduled ? "scheduled report" : requestedBy ? `asked by ${person(requestedBy)}` : "report";
  return `Health · ${origin} · ${moment(at)}`;
}
