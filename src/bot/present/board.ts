/** The step board: each step with its state, how long it took, and the end of a failed one's output. */
import type { KnownBlock, PlanBlock, TaskCardBlock } from "@slack/types";
import type { Attempt } from "../../journal/types.ts";
import { paragraph, preformatted, sections } from "./blocks.ts";
import type { RunView } from "./run-words.ts";
import { code, cut, duration, line, plain, tail } from "./text.ts";

/** `word` says what the sign shows, for those steps where the sign alone does not. */
export interface BoardLine {
  id: string;
  title: string;
  status: TaskCardBlock["status"];
  word: string;
  tookMs: number | null;
  output: string;
}

const SIGNS = {
  pending: ":white_circle:",
  in_progress: ":hourglass_flowing_sand:",
  complete: ":white_check_mark:",
  error: ":x:",
} as const;

export function board(view: RunView): KnownBlock[] {
  const lines = boardLines(view);
  if (lines.length === 0) return [];
  const plan: PlanBlock = {
    type: "plan",
    title: "Steps",
    tasks: lines.slice(0, 50).map(card),
  };
  return [plan];
}

/** The same in sections. */
export function simpleBoard(view: RunView): KnownBlock[] {
  const text = boardLines(view).map((step) => {
    const output = step.output
      ? `\n\`\`\`${cut(code(step.output.replace(/\n/g, " ⏎ "), 500).slice(1, -1), 500)}\`\`\``
      : "";
    return `${SIGNS[step.status]} ${line(label(step), 200)}${output}`;
  });
  return sections(text.join("\n"));
}

/** The plan's steps in order with their newest attempt each, then what was undone, in the order of undoing. */
export function boardLines({ run, attempts, now }: RunView): BoardLine[] {
  const planned = run.plan?.steps ?? [];
  const titles = new Map(planned.map((step) => [step.name, step.title]));
  const undos = new Map(planned.map((step) => [step.name, step.undo]));
  const names = [
    ...new Set([
      ...planned.map((step) => step.name),
      ...attempts.filter((a) => a.direction === "do").map((a) => a.step),
    ]),
  ];
  const done = names.map((name) => {
    const attempt = attempts.findLast((candidate) => candidate.step === name && candidate.direction === "do");
    return boardLine(`do-${name}`, titles.get(name) ?? name, attempt, now, ended(run.endedAt));
  });
  const undoneNames = [...new Set(attempts.filter((a) => a.direction === "undo").map((a) => a.step))];
  const undone = undoneNames.map((name) => {
    const attempt = attempts.findLast(
      (candidate) => candidate.step === name && candidate.direction === "undo",
    );
    return boardLine(
      `undo-${name}`,
      `Undo: ${undos.get(name) ?? titles.get(name) ?? name}`,
      attempt,
      now,
      ended(run.endedAt),
    );
  });
  const lanes = new Map(planned.flatMap(({ name, lane }) => (lane === undefined ? [] : [[name, lane]])));
  return [...byLane(done, lanes), ...byLane(undone, lanes)];
}

/** One row a host of a fleet, where its first step stands: ten hosts of three steps are ten rows. */
function byLane(lines: BoardLine[], lanes: Map<string, string>): BoardLine[] {
  const laneOf = ({ id }: BoardLine) => lanes.get(id.replace(/^(?:do|undo)-/, ""));
  return lines.flatMap((line) => {
    const lane = laneOf(line);
    if (lane === undefined) return [line];
    const own = lines.filter((other) => laneOf(other) === lane);
    return own[0] === line ? [laneLine(lane, own)] : [];
  });
}

function laneLine(lane: string, own: BoardLine[]): BoardLine {
  const undo = own[0]!.id.startsWith("undo-");
  const failed = own.find(({ status }) => status === "error");
  const begun = own.filter(({ status }) => status !== "pending");
  const current = failed ?? begun.at(-1);
  const status = failed
    ? "error"
    : begun.length === 0
      ? "pending"
      : own.every((one) => one.status === "complete")
        ? "complete"
        : "in_progress";
  const stage = current?.id.replace(/^(?:do|undo)-/, "").split(":")[0] ?? "";
  return {
    id: own[0]!.id,
    title: `${undo ? "Undo: " : ""}${lane}`,
    status,
    word: status === "complete" ? "" : [stage, current?.word].filter(Boolean).join(" ") || own[0]!.word,
    tookMs: begun.length ? begun.reduce((sum, { tookMs }) => sum + (tookMs ?? 0), 0) : null,
    output: failed?.output ?? "",
  };
}

function ended(endedAt: Date | null): string {
  return endedAt ? "not reached" : "";
}

function boardLine(
  id: string,
  title: string,
  attempt: Attempt | undefined,
  now: Date,
  pendingWord: string,
): BoardLine {
  if (!attempt) return { id, title, status: "pending", word: pendingWord, tookMs: null, output: "" };
  const again = attempt.number > 1 ? `attempt ${attempt.number}` : "";
  const took = (attempt.endedAt ?? now).getTime() - attempt.startedAt.getTime();
  const base = { id, title, tookMs: took };
  switch (attempt.outcome) {
    case null:
      return { ...base, status: "in_progress", word: again, output: "" };
    case "done":
      return { ...base, status: "complete", word: again, output: "" };
    case "skipped":
      return { ...base, status: "complete", word: "skipped", tookMs: null, output: "" };
    default:
      return { ...base, status: "error", word: attempt.outcome, output: failedOutput(attempt) };
  }
}

function failedOutput(attempt: Attempt): string {
  return [attempt.error?.message ?? "", tail(attempt.output, 12, 1_200)]
    .filter((text) => text.trim())
    .join("\n");
}

function label({ title, word, tookMs }: BoardLine): string {
  return [title, word, tookMs === null ? "" : duration(tookMs)].filter(Boolean).join(" · ");
}

function card(step: BoardLine): TaskCardBlock {
  return {
    type: "task_card",
    task_id: plain(step.id, 200),
    title: plain(label(step), 250),
    status: step.status,
    ...(step.output
      ? { details: paragraph("What it said last:"), output: preformatted(step.output, 2_000) }
      : {}),
  };
}
