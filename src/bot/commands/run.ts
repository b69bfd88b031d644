import { StewardError } from "../../errors.ts";
import { listAttempts } from "../../journal/attempts.ts";
import type { Db } from "../../journal/database.ts";
import { listEvents } from "../../journal/events.ts";
import { listApprovals, listRuns, loadRun } from "../../journal/runs.ts";
import type { Json, Run } from "../../journal/types.ts";
import { runMark } from "../present/marks.ts";
import type { RunStory } from "../present/run-story.ts";
import { runHeadline, runTitle } from "../present/run-words.ts";
import { tail } from "../present/text.ts";
import { type Command, idArgument, noMoreWords } from "./command.ts";

export const run: Command = {
  name: "run",
  usage: ["run ID"],
  help: "a run's whole story: plan, approvals, every attempt, errors",
  roles: null,
  async run(_context, tx, request) {
    noMoreWords(request.words, 1, "run ID");
    const found = await knownRun(
      tx,
      idArgument(request.words[0], "a run", "run ID, and /ops runs lists them"),
    );
    await request.reply("run", (await storyOf(tx, found)) as unknown as { [key: string]: Json });
  },
};

/** Throws `unknown_run`, naming those there are. */
export async function knownRun(db: Db, id: number): Promise<Run> {
  const found = await loadRun(db, id);
  if (found) return found;
  const last = (await listRuns(db, { limit: 5 })).map((known) => known.id);
  throw new StewardError(
    "unknown_run",
    `There is no run ${id}; the last ones: ${last.join(", ") || "none"}`,
    { hint: "/ops runs lists them." },
  );
}

async function storyOf(db: Db, found: Run): Promise<RunStory> {
  const approvals = await listApprovals(db, found.id);
  const attempts = await listAttempts(db, found.id);
  const now = new Date();
  const titles = new Map(found.plan?.steps.map((step) => [step.name, step.title]));
  const undos = new Map(found.plan?.steps.map((step) => [step.name, step.undo]));
  return {
    id: found.id,
    title: runTitle(found),
    headline: unescaped(
      runHeadline({
        run: found,
        approvals,
        attempts,
        approvers: { users: [], groups: [] },
        mayBreakGlass: false,
        now,
      }),
    ),
    mark: runMark[found.state],
    requestedBy: found.requestedBy.id,
    createdAt: found.createdAt.toISOString(),
    plan: found.plan
      ? { steps: found.plan.steps.length, hash: (found.planHash ?? "").slice(0, 12), risk: found.plan.risk }
      : null,
    approvals: approvals.map(({ actor, decision, reason, at }) => ({
      person: actor.id,
      decision,
      reason,
      at: at.toISOString(),
    })),
    attempts: attempts.map((attempt) => ({
      title:
        (attempt.direction === "undo" ? undos.get(attempt.step) : undefined) ??
        titles.get(attempt.step) ??
        attempt.step,
      direction: attempt.direction,
      number: attempt.number,
      outcome: attempt.outcome ?? "running",
      tookMs: (attempt.endedAt ?? now).getTime() - attempt.startedAt.getTime(),
      error: attempt.error?.message ?? null,
      output:
        attempt.outcome === "failed" || attempt.outcome === "interrupted"
          ? tail(attempt.output, 10, 900)
          : "",
    })),
    events: (await listEvents(db, { kind: "run", id: found.id })).map(({ kind, at, actor, data }) => ({
      kind,
      at: at.toISOString(),
      actor: actor && { kind: actor.kind, id: actor.id },
      data,
    })),
    error: found.error ? { message: found.error.message, hint: found.error.hint ?? null } : null,
  };
}

/** The headline is mrkdwn; the story keeps plain text and is escaped when it is drawn. */
function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
