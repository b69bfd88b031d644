import { listAttempts } from "../../journal/attempts.ts";
import { loadNotice } from "../../journal/messages.ts";
import type { Attempt, MessageRow, Notice } from "../../journal/types.ts";
import type { BotContext } from "../context.ts";
import type { Presented } from "../present/blocks.ts";
import { presentIncident } from "../present/incident.ts";
import { presentNotice } from "../present/notice.ts";
import { presentRun } from "../present/run.ts";
import { duration } from "../present/text.ts";
import { findIncidentView, findRunView } from "./load.ts";

/** What is to stand in Slack for a row. `atOnce`: people wait for this state, so no pause between edits. */
export type Drawn =
  | { presented: Presented; atOnce: boolean }
  | { file: { name: string; title: string; content: string } };

const WAITED_FOR = [
  "awaiting_approval",
  "needs_decision",
  "succeeded",
  "failed",
  "undone",
  "cancelled",
  "rejected",
  "expired",
  "void",
  "shown",
];
/** Slack takes far more; whoever wants more than this looks at the host. */
const FILE_CHARACTERS = 5_000_000;

/** Draws the newest state of the row's subject. Undefined when there is no such subject. */
export async function draw(
  context: Pick<BotContext, "journal" | "config" | "domain" | "redact">,
  row: MessageRow,
): Promise<Drawn | undefined> {
  switch (row.subjectKind) {
    case "run": {
      const view = await findRunView(context, row.subjectId);
      return (
        view && {
          presented: hide(presentRun(view), context.redact),
          atOnce: WAITED_FOR.includes(view.run.state),
        }
      );
    }
    case "incident": {
      const view = await findIncidentView(context, row.subjectId);
      return (
        view && {
          presented: hide(presentIncident(view), context.redact),
          atOnce: view.incident.state !== "open",
        }
      );
    }
    case "notice": {
      const notice = await loadNotice(context.journal, row.subjectId);
      if (notice?.kind === "run-output") return { file: await outputFile(context, notice) };
      return notice && { presented: hide(presentNotice(notice), context.redact), atOnce: true };
    }
  }
}

/** Everything was redacted where it came in; here it is once more, for whatever people typed themselves. */
function hide({ text, blocks, simpler }: Presented, redact: (text: string) => string): Presented {
  return {
    text: redact(text),
    blocks: hideTexts(blocks, redact),
    ...(simpler ? { simpler: hideTexts(simpler, redact) } : {}),
  };
}

function hideTexts<T>(blocks: T, redact: (text: string) => string): T {
  return JSON.parse(JSON.stringify(blocks), (key, value) =>
    (key === "text" || key === "title") && typeof value === "string" ? redact(value) : value,
  ) as T;
}

async function outputFile({ journal, redact }: Pick<BotContext, "journal" | "redact">, { data }: Notice) {
  const runId = Number(data.runId);
  const name =
    typeof data.name === "string" ? data.name.replace(/[^\w.-]/g, "_").slice(0, 100) : `run-${runId}.log`;
  const content = (await listAttempts(journal, runId)).map(attemptText).join("\n");
  return {
    name,
    title: `Output of run ${runId}`,
    content: redact(content).slice(0, FILE_CHARACTERS) || "No step was begun.\n",
  };
}

function attemptText(attempt: Attempt): string {
  const took = attempt.endedAt
    ? duration(attempt.endedAt.getTime() - attempt.startedAt.getTime())
    : "not ended";
  const heading = `== ${attempt.position + 1}. ${attempt.direction === "undo" ? "undo " : ""}${attempt.step}, attempt ${attempt.number}: ${attempt.outcome ?? "running"}, ${took}, ${attempt.startedAt.toISOString()} on ${attempt.holder}`;
  const error = attempt.error ? [`error ${attempt.error.code}: ${attempt.error.message}`] : [];
  return [heading, attempt.output.trimEnd(), ...error, ""]
    .filter((text, index) => index === 3 || text)
    .join("\n");
}
