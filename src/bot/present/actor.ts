import type { Actor } from "../../journal/types.ts";
import { line } from "./text.ts";

/**
 * Who it was, in mrkdwn. A person's id becomes Slack's own mention, which shows the name of the day; an id
 * that is not one is shown as text.
 */
export function who(actor: Pick<Actor, "kind" | "id"> | null): string {
  if (!actor) return "Steward";
  return actor.kind === "person" ? person(actor.id) : `Steward (${line(actor.id, 40)})`;
}

export function person(id: string): string {
  return /^[UW][A-Z0-9]{2,30}$/.test(id) ? `<@${id}>` : line(id, 40);
}

export function group(id: string): string {
  return /^S[A-Z0-9]{2,30}$/.test(id) ? `<!subteam^${id}>` : line(id, 40);
}
