/** Judges what happened by the log that the commands wrote themselves; of the journal only what it says in the end. */
import type { Attempt, Run } from "../../../src/journal/types.ts";

/** What was found of each kind, named by run and step: empty where all is well. */
export interface Verdict {
  /** runs that came to no end and wait for nobody */
  lost: string[];
  /** steps that the journal had as done and that began once more */
  repeatedFinished: string[];
  /** commands of one service that were at work at the same time */
  overlapping: string[];
  /** steps that must not be repeated and were, without a person saying so */
  repeatedUnasked: string[];
  /** ends that do not fit what was done */
  wrongEnds: string[];
}

interface Line {
  what: "begin" | "beat" | "end";
  service: string;
  run: number;
  step: string;
  direction: string;
  pid: string;
}

/** Steps of which twice is not as good as once. */
const ONCE = ["probed", "once"];

export function judge(
  log: string,
  runs: readonly Pick<Run, "id" | "runbook" | "state">[],
  attempts: readonly Pick<Attempt, "id" | "runId" | "step" | "direction" | "outcome">[],
): Verdict {
  const lines = log.split("\n").filter(Boolean).map(parseLine);
  return {
    lost: runs
      .filter(({ state }) => !["succeeded", "undone", "needs_decision"].includes(state))
      .map(({ id, state }) => `run ${id} ${state}`),
    repeatedFinished: attempts
      .filter((attempt) =>
        attempts.some(
          (before) =>
            before.id < attempt.id &&
            before.runId === attempt.runId &&
            before.step === attempt.step &&
            before.direction === attempt.direction &&
            (before.outcome === "done" || before.outcome === "skipped"),
        ),
      )
      .map(({ runId, step }) => `run ${runId} ${step}`),
    overlapping: overlaps(lines),
    repeatedUnasked: repeats(lines),
    wrongEnds: runs.filter((run) => !endFits(run, lines)).map(({ id, state }) => `run ${id} ${state}`),
  };
}

export function isClean(verdict: Verdict): boolean {
  return Object.values(verdict).every((found) => found.length === 0);
}

/** A line by a command after another one of its service has begun: both were at work. */
function overlaps(lines: readonly Line[]): string[] {
  const current = new Map<string, string>();
  const over = new Set<string>();
  for (const { what, service, pid } of lines) {
    if (what === "begin") current.set(service, pid);
    else if (current.get(service) !== pid) over.add(`${service} ${pid}`);
  }
  return [...over];
}

/** Begun twice; or, where a probe can tell, begun again after it had ended. */
function repeats(lines: readonly Line[]): string[] {
  const over = new Set<string>();
  const seen = new Set<string>();
  for (const { what, run, step, direction } of lines) {
    if (direction !== "do" || !ONCE.includes(step)) continue;
    const key = `${run} ${step}`;
    if (what === "begin" && seen.has(key)) over.add(key);
    if (what === (step === "once" ? "begin" : "end")) seen.add(key);
  }
  return [...over];
}

function endFits(
  { id, runbook, state }: Pick<Run, "id" | "runbook" | "state">,
  lines: readonly Line[],
): boolean {
  const own = lines.filter(({ run }) => run === id);
  const ended = (step: string, direction: string) =>
    own.some((line) => line.what === "end" && line.step === step && line.direction === direction);
  if (runbook === "breaking")
    return (
      state === "undone" && ["prepare", "long"].every((step) => ended(step, "do") && ended(step, "undo"))
    );
  return state === "succeeded"
    ? ["prepare", "long", "probed", "finish"].every((step) => ended(step, "do"))
    : // a person decides about the one step that cannot tell, and about nothing before or after it
      state === "needs_decision" &&
        ["prepare", "long", "probed"].every((step) => ended(step, "do")) &&
        !own.some(({ step }) => step === "finish");
}

function parseLine(text: string): Line {
  const [what, service, run, step, direction, pid] = text.split(" ") as [Line["what"], ...string[]];
  return { what, service: service!, run: Number(run), step: step!, direction: direction!, pid: pid! };
}
