/** What people should know of a run besides its plan: when it may start, and on whose word. */
import type { KnownBlock } from "@slack/types";
import type { Json, Run } from "../../journal/types.ts";
import { who } from "./actor.ts";
import { sections } from "./blocks.ts";
import type { RunView } from "./run-words.ts";
import { line, moment, safe } from "./text.ts";

export function governance({ run, now }: Pick<RunView, "run" | "now">): KnownBlock[] {
  const waits = ["planning", "awaiting_approval", "queued", "shown"].includes(run.state);
  const lines = [
    brokenGlass(run),
    waits && run.held ? heldLine(run.held) : "",
    waits && run.scheduledFor && run.scheduledFor > now && !run.held
      ? `:calendar: Starts ${moment(run.scheduledFor)}`
      : "",
    run.standing ? standingLine(run) : "",
    run.follows ? `:arrow_right: Follows run ${run.follows}` : "",
    watchLine(run, now),
  ];
  return sections(lines.filter(Boolean).join("\n"));
}

function heldLine({ reason, until }: NonNullable<Run["held"]>): string {
  return `:no_entry: Held back${until ? ` until ${moment(until)}` : ""}: ${safe(reason, 500)}`;
}

function brokenGlass({ breakGlass, reviewed, reviewDueAt }: Run): string {
  if (!breakGlass) return "";
  const review = reviewed
    ? `reviewed by ${who(reviewed.actor)} ${moment(reviewed.at)}`
    : `review due ${reviewDueAt ? moment(reviewDueAt) : "now"}`;
  return `:rotating_light: *Glass broken* by ${who(breakGlass.actor)} ${moment(breakGlass.at)}: ${safe(breakGlass.reason, 1_000)} · ${review}`;
}

/** `Approved beforehand by the declaration of shop (2 of 3 this hour)` */
function standingLine({ standing, service, facts }: Run): string {
  const counted = facts.standing as { [key: string]: Json } | undefined;
  const count = counted ? `${Number(counted.used)} of ${Number(counted.hourly)} this hour, ` : "";
  return `:memo: Approved beforehand by the declaration of ${line(service, 80)} (${count}${(standing ?? "").slice(0, 8)})`;
}

function watchLine({ state, facts }: Run, now: Date): string {
  const until = typeof facts.watchUntil === "string" ? new Date(facts.watchUntil) : undefined;
  return state === "succeeded" && until && until > now ? `:eyes: Watched until ${moment(until)}` : "";
}
