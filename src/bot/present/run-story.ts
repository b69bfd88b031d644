import type { Json } from "../../journal/types.ts";
import { person } from "./actor.ts";
import { context, header, message, type Presented, preformatted, section, sections } from "./blocks.ts";
import { count, duration, line, moment, plain, safe } from "./text.ts";

/** `/ops run ID`, as the command wrote it down. Times are ISO, durations milliseconds. */
export type RunStory = {
  id: number;
  title: string;
  headline: string;
  mark: string;
  requestedBy: string;
  createdAt: string;
  plan: { steps: number; hash: string; risk: string } | null;
  approvals: { person: string; decision: string; reason: string | null; at: string }[];
  attempts: {
    title: string;
    direction: string;
    number: number;
    outcome: string;
    tookMs: number;
    error: string | null;
    output: string;
  }[];
  /** requested, planned, held, approved, glass broken, decided, watched: what is not an attempt */
  events: {
    kind: string;
    at: string;
    actor: { kind: "person" | "system"; id: string } | null;
    data: { [key: string]: Json };
  }[];
  error: { message: string; hint: string | null } | null;
};

const SIGNS: Record<string, string> = {
  done: ":white_check_mark:",
  failed: ":x:",
  interrupted: ":x:",
  skipped: ":fast_forward:",
  running: ":hourglass_flowing_sand:",
};

/** Of each kind of event, the words; those that the attempts and approvals tell already are left out. */
const EVENTS: Record<string, string> = {
  planned: "Planned",
  plan_changed: "Plan changed since the approval",
  alternative: "Another way chosen",
  held: "Held back",
  glass_broken: "Glass broken",
  reviewed: "Reviewed",
  started: "Started",
  needs_decision: "Needs a decision",
  decided: "Decided",
  cancel_requested: "Cancel asked for",
  watch_bad: "Watch",
  watch_good: "Watch",
};

function eventLine({ kind, at, actor, data }: RunStory["events"][number]): string {
  const words =
    EVENTS[kind] ?? (kind === "approved" && actor?.kind === "system" ? "Approved beforehand" : "");
  if (!words) return "";
  const said = [data.text, data.label, data.choice, data.reason, data.until]
    .filter((part) => typeof part === "string")
    .concat(Array.isArray(data.differences) ? data.differences.map(String) : [])
    .map((part) => safe(String(part), 300));
  return `${moment(at)} ${words}${actor?.kind === "person" ? ` by ${person(actor.id)}` : ""}${said.length ? `: ${said.join("; ")}` : ""}`;
}

export function presentRunStory(data: { [key: string]: Json }): Presented {
  const story = data as unknown as RunStory;
  const approvals = story.approvals.map(
    ({ person: id, decision, reason, at }) =>
      `${decision === "approve" ? "Approved" : "Rejected"} by ${person(id)} ${moment(at)}${reason ? `: ${safe(reason, 500)}` : ""}`,
  );
  return message(
    `Run ${story.id}: ${line(story.headline, 300)}`,
    [
      header(story.title),
      section(`${story.mark} *${line(story.headline, 500)}*`),
      ...(story.error
        ? [
            section(
              `${safe(story.error.message, 2_000)}${story.error.hint ? `\n_${safe(story.error.hint, 500)}_` : ""}`,
            ),
          ]
        : []),
      context(`run ${story.id} · asked by ${person(story.requestedBy)} ${moment(story.createdAt)}`),
      section(
        story.plan
          ? `Plan ${story.plan.hash}: ${count(story.plan.steps, "step")}, risk ${line(story.plan.risk, 20)}`
          : "No plan was made.",
      ),
      ...(approvals.length ? [section(approvals.join("\n"))] : []),
      ...sections(story.events.map(eventLine).filter(Boolean).join("\n")),
      ...story.attempts.flatMap((attempt) => [
        section(
          `${SIGNS[attempt.outcome] ?? ""} ${attempt.direction === "undo" ? "Undo: " : ""}${line(attempt.title, 200)}${attempt.number > 1 ? ` · attempt ${attempt.number}` : ""} · ${line(attempt.outcome, 30)} · ${duration(attempt.tookMs)}${attempt.error ? `\n${safe(attempt.error, 600)}` : ""}`,
        ),
        ...(attempt.output ? [preformatted(plain(attempt.output, 1_000), 1_000)] : []),
      ]),
    ],
    "older parts are in the run's output file",
  );
}
