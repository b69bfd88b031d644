/** The fixed cast of the sandbox: who and what is there before anything has happened. Ids never change. */
import type { Channel, Person } from "./types.ts";

export const team = { id: "T0SANDBOX", name: "Steward sandbox", domain: "steward-sandbox" } as const;

/** The one app of the workspace. */
export const app = { id: "A0STEWARD", botId: "B0STEWARD", userId: "U0STEWARD" } as const;

/** Fixed on purpose: they open nothing but this stand-in, which listens on loopback only. */
export const tokens = { bot: "xoxb-sandbox-steward", app: "xapp-sandbox-steward" } as const;

/** What the app was granted at its installation; `*:history` and `channels:join` are its optional scopes. */
export const grantedScopes: readonly string[] = [
  "commands",
  "chat:write",
  "files:write",
  "users:read",
  "usergroups:read",
  "channels:read",
  "channels:manage",
  "channels:join",
  "channels:history",
  "pins:write",
  "bookmarks:write",
  "reactions:write",
  "canvases:write",
  "app_mentions:read",
];

export interface UserGroup {
  id: string;
  handle: string;
  name: string;
  users: string[];
}

export function firstPeople(): Person[] {
  const person = (id: string, name: string, kind: Person["kind"], title: string): Person => ({
    id,
    teamId: team.id,
    name,
    realName: name,
    kind,
    title,
  });
  return [
    person("U0OLGA", "Olga", "member", "operator"),
    person("U0AMIR", "Amir", "member", "approver"),
    person("U0BEA", "Bea", "member", "approver"),
    person("U0GUS", "Gus", "guest", "guest"),
    person(app.userId, "Steward", "bot", "app"),
  ];
}

export function firstChannels(): Channel[] {
  const members = firstPeople().map((person) => person.id);
  return [
    { id: "C0OPS", name: "ops", topic: "Maintenance and reports", members: [...members] },
    { id: "C0INCIDENTS", name: "incidents", topic: "What is broken right now", members: [...members] },
    { id: "C0GENERAL", name: "general", topic: "Everything else", members: [...members] },
  ];
}

export function firstUserGroups(): UserGroup[] {
  return [{ id: "S0APPROVERS", handle: "approvers", name: "Approvers", users: ["U0AMIR", "U0BEA"] }];
}
