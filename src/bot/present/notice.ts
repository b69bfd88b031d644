import type { ErrorRecord } from "../../errors.ts";
import type { Json, Notice } from "../../journal/types.ts";
import { person } from "./actor.ts";
import { message, type Presented, section, sections } from "./blocks.ts";
import { presentHealth } from "./health.ts";
import { presentHelp, presentIncidents, presentRuns, presentStatus } from "./lists.ts";
import { presentReminder, presentReview } from "./reminders.ts";
import { presentRunStory } from "./run-story.ts";
import { line, safe } from "./text.ts";

/** What is said once, by kind; `data` is all that is needed. */
export function presentNotice(notice: Pick<Notice, "kind" | "data">): Presented {
  const present = PRESENTERS[notice.kind];
  if (present) return present(notice.data);
  const text =
    typeof notice.data.text === "string"
      ? safe(notice.data.text, 2_900)
      : `Steward has something to say (${line(notice.kind, 60)}), but not the words for it.`;
  return message(text, sections(text));
}

const PRESENTERS: Record<string, (data: { [key: string]: Json }) => Presented> = {
  error: presentError,
  note: presentNote,
  help: presentHelp,
  health: presentHealth,
  status: presentStatus,
  runs: presentRuns,
  run: presentRunStory,
  "approval-reminder": presentReminder,
  "review-wanted": (data) => presentReview(data, "was started without a second person"),
  "review-overdue": (data) => presentReview(data, "still waits for its review"),
  incidents: presentIncidents,
};

export interface NoteData {
  mark: "info" | "good" | "warning" | "bad";
  text: string;
  /** a Slack user id: who did what `text` goes on to say */
  actor?: string;
}

const MARKS: Record<NoteData["mark"], string> = {
  info: ":information_source:",
  good: ":white_check_mark:",
  warning: ":warning:",
  bad: ":x:",
};

function presentNote(data: { [key: string]: Json }): Presented {
  const { mark, text, actor } = data as unknown as NoteData;
  const shown = `${actor ? `${person(actor)} ` : ""}${safe(text, 6_000)}`;
  return message(shown, sections(`${MARKS[mark] ?? MARKS.info} ${shown}`));
}

/** What did not work, and what to do next. `asked` is what the person typed. */
function presentError(data: { [key: string]: Json }): Presented {
  const { message: what, hint, code: errorCode, asked } = data as unknown as ErrorRecord & { asked?: string };
  const text =
    errorCode === "internal" ? "Something went wrong inside Steward, so nothing was done" : safe(what, 1_500);
  const lines = [
    `:warning: ${text}`,
    hint ? safe(hint, 1_000) : "",
    asked ? `_You asked:_ ${line(asked, 200)}` : "",
  ];
  return message(text, [section(lines.filter(Boolean).join("\n"))]);
}
