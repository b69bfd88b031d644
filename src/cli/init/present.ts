import type { Facts } from "./draft.ts";

/** What was found, and what to do next. */
export function presentFacts(facts: Facts, path: string): string {
  const { name, url, repository, unit, database } = facts;
  const steps = [
    ...(database?.variable
      ? [`Set ${database.variable} to the URL of the database: a password is never written to the config.`]
      : []),
    "Put your channels and the Slack ids of operators and approvers into it.",
    "Make the Slack app from manifest.yml; set SLACK_BOT_TOKEN and SLACK_APP_TOKEN.",
    "steward doctor: says what is still missing.",
    `npm start: ${name} is observed. Take \`observe: true\` away to put it under full care.`,
  ];
  return [
    `Looked at ${name}:`,
    `  url         ${url.found}`,
    `  repository  ${repository?.found ?? "not given"}`,
    `  systemd     ${unit ? `unit ${unit}` : `no unit ${name}`}`,
    `  database    ${database?.found ?? "not given"}`,
    "",
    `Wrote ${path}. Next:`,
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
    "",
  ].join("\n");
}
