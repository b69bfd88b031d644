import { stringify } from "yaml";
import type { DatabaseFacts } from "./database.ts";
import type { RepositoryFacts, Suggestion } from "./host.ts";
import type { UrlFacts } from "./url.ts";

/** All that was found out about the service. */
export interface Facts {
  name: string;
  url: UrlFacts;
  repository: RepositoryFacts | null;
  /** the systemd unit that runs it */
  unit: string | null;
  database: DatabaseFacts | null;
  /** the zone of this machine */
  zone: string;
}

/** The config as text: what is known is set, what is only likely stands there as a comment. */
export function draftConfig(facts: Facts): string {
  const { name, url, repository, database } = facts;
  return `${[
    "# Steward's config. steward.example.yml shows every setting; `steward doctor` says what is wrong with this one.",
    "slack:",
    '  channel: "#ops" # reports and approvals',
    '  incidents: "#incidents" # one message an incident, its thread below',
    "",
    "# Who may do what: Slack ids of people (U...) and user groups (S...). Nobody is in a role until you say so.",
    "# The one who asks for a run never approves it.",
    "roles:",
    "  operator: { users: [], groups: [] } # may ask for runs",
    "  approver: { users: [], groups: [] } # may approve them",
    "",
    "services:",
    `  ${name}:`,
    "    # Checked and reported only: no incidents, no runbooks. Take this line away to put it under full care.",
    "    observe: true",
    "    # owner: who to ask",
    "    # host: { ssh: shop-1.example.com, user: deploy } # where it runs, if not on this machine",
    ...health(url),
    ...repositoryLines(repository),
    ...databaseLines(database),
    "    # redis: { url: redis://localhost:6379 }",
    ...commandLines(facts),
    "",
    "schedules:",
    "  # [second] minute hour day month weekday",
    `  health: { at: "0 0 8 * * 1-5", zone: ${scalar(facts.zone)} }`,
  ].join("\n")}\n`;
}

function health(url: UrlFacts): string[] {
  return [
    `    # ${url.found}`,
    "    health:",
    `      url: ${scalar(url.url)}`,
    `      status: ${url.status}`,
    url.json ? `      json: ${flow(url.json)}` : "      # json: { status: healthy } # fields that must be so",
    url.version
      ? `      version: ${scalar(url.version)} # where the answer names the running version`
      : "      # version: version # the field that names the running version, so that an update can be verified by it",
  ];
}

function repositoryLines(repository: RepositoryFacts | null): string[] {
  if (!repository) {
    return [
      "    # The checkout that it runs from; without it there is nothing to update.",
      "    # repository: { path: /srv/shop, remote: origin, tag: 'v{version}', migrations: migrations }",
    ];
  }
  const { path, remote, tag, newest, migrations } = repository;
  return [
    "    repository:",
    `      path: ${scalar(path)}`,
    remote
      ? `      remote: ${scalar(remote)}`
      : "      # remote: origin # it has none yet: releases are fetched from there",
    tag
      ? `      tag: ${scalar(tag)} # newest: ${newest}`
      : "      # tag: v{version} # how your releases are tagged: none was found",
    migrations
      ? `      migrations: ${scalar(migrations)} # changes in here make an update hold writes`
      : "      # migrations: migrations # changes in here make an update hold writes",
  ];
}

function databaseLines(database: DatabaseFacts | null): string[] {
  const admin =
    "      # admin: { env: ADMIN_DATABASE_URL } # a role that may create databases and set defaults of the application's";
  if (!database)
    return [
      "    # database:",
      "    #   url: { env: SHOP_DATABASE_URL }",
      admin.replace("      # ", "    #   "),
    ];
  const url = typeof database.url === "string" ? scalar(database.url) : flow(database.url);
  return [`    # ${database.found}`, "    database:", `      url: ${url}`, admin];
}

function commandLines({ unit, repository }: Facts): string[] {
  const { install, test, migrate } = repository?.commands ?? {};
  const restart: Suggestion = unit
    ? { command: ["systemctl", "restart", unit], sure: true }
    : { command: ["systemctl", "restart", "NAME"], sure: false };
  const entries = Object.entries({ install, test, migrate, restart }).flatMap(([name, one]) =>
    one ? [{ name, ...one }] : [],
  );
  const line = ({ name, command, sure }: (typeof entries)[number]) =>
    `      ${sure ? "" : "# "}${name}: ${flow(command)}`;
  return [
    "    # Argument lists, run without a shell in the checkout. What stands as a comment is a guess.",
    entries.some(({ sure }) => sure) ? "    commands:" : "    commands: {}",
    ...entries.map(line),
  ];
}

function scalar(value: string): string {
  return stringify(value, { lineWidth: 0 }).trim();
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
}
