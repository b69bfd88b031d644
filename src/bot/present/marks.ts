import type { IncidentState, ReadingState, RunState } from "../../journal/types.ts";

/** One sign per state, the same everywhere. The word always stands beside it: colour alone says nothing to some. */
export const readingMark: Record<ReadingState, string> = {
  ok: ":large_green_circle:",
  warning: ":large_yellow_circle:",
  critical: ":red_circle:",
  unknown: ":white_circle:",
};

export const runMark: Record<RunState, string> = {
  planning: ":hourglass_flowing_sand:",
  awaiting_approval: ":raised_hand:",
  queued: ":hourglass_flowing_sand:",
  running: ":arrows_counterclockwise:",
  needs_decision: ":raised_hand:",
  undoing: ":leftwards_arrow_with_hook:",
  succeeded: ":white_check_mark:",
  failed: ":x:",
  undone: ":leftwards_arrow_with_hook:",
  cancelled: ":no_entry_sign:",
  rejected: ":no_entry_sign:",
  expired: ":alarm_clock:",
  void: ":warning:",
  shown: ":clipboard:",
};

export const runWord: Record<RunState, string> = {
  planning: "being planned",
  awaiting_approval: "waiting for approval",
  queued: "in the queue",
  running: "running",
  needs_decision: "stopped, needs a decision",
  undoing: "being undone",
  succeeded: "done",
  failed: "failed",
  undone: "undone",
  cancelled: "cancelled",
  rejected: "rejected",
  expired: "expired",
  void: "not possible",
  shown: "shown only",
};

export const incidentMark: Record<IncidentState, string> = {
  open: ":rotating_light:",
  acknowledged: ":eyes:",
  resolved: ":white_check_mark:",
};

/** Worst first. */
export const BADNESS: readonly ReadingState[] = ["critical", "unknown", "warning", "ok"];

export function worstFirst<T extends { state: ReadingState }>(readings: readonly T[]): T[] {
  return readings.toSorted((a, b) => BADNESS.indexOf(a.state) - BADNESS.indexOf(b.state));
}
