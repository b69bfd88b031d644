import type { Json } from "../../journal/types.ts";
import { group, person } from "./actor.ts";
import { buttons, message, type Presented, section } from "./blocks.ts";
import { line, moment, safe } from "./text.ts";

export interface ReminderData {
  runId: number;
  title: string;
  expiresAt: string;
  approvers: { users: string[]; groups: string[] };
}

/** In the card's thread, once half of its time is over. */
export function presentReminder(data: { [key: string]: Json }): Presented {
  const { runId, title, expiresAt, approvers } = data as unknown as ReminderData;
  const who = [...approvers.users.map(person), ...approvers.groups.map(group)].slice(0, 20).join(" ");
  const text = `Run ${runId} still waits for an approval: ${line(title, 200)}. It expires ${moment(expiresAt)}.`;
  return message(text, [section(`:hourglass: ${text} ${who}`.trim())]);
}

export interface ReviewData {
  runId: number;
  title: string;
  by: string;
  reason: string;
  dueAt: string;
}

/** Where incidents are watched, with the button for whoever has looked at it. */
export function presentReview(data: { [key: string]: Json }, state: string): Presented {
  const { runId, title, by, reason, dueAt } = data as unknown as ReviewData;
  const text = `Glass broken: run ${runId} (${line(title, 200)}) ${state}`;
  return message(text, [
    section(
      `:rotating_light: *${text}.*\n${person(by)}: ${safe(reason, 1_000)}\nSomebody else reviews it until ${moment(dueAt)}; \`/ops run ${runId}\` tells the whole story.`,
    ),
    ...buttons([
      { action: "run_review", label: `I have reviewed run ${runId}`, value: `${runId}.0.000000000000` },
    ]),
  ]);
}
