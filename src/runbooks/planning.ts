/** From a request to a card that asks: working out the plan, and again at the start, to see that it still holds. */
import type { Service } from "../config.ts";
import { errorRecord, StewardError } from "../errors.ts";
import { type Db, transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { loadIntent } from "../journal/intents.ts";
import { redrawMessages, say, wantMessage } from "../journal/messages.ts";
import { activeRun, loadRun, moveRun } from "../journal/runs.ts";
import type { Run } from "../journal/types.ts";
import { computePlan, planDifferences } from "./plan.ts";
import { findRunbook } from "./requests.ts";
import type { RunbookContext } from "./runbook.ts";

/** Works out the plan of a requested run and asks for its approval; a request that cannot be done ends, and its requester is told why. */
export async function planRequested(context: RunbookContext, runId: number): Promise<void> {
  const run = await loadRun(context.journal, runId);
  if (run?.state !== "planning") return;
  const runbook = findRunbook(context, run.runbook);
  try {
    const service = declared(context, run);
    const { plan, hash } = await computePlan(context, runbook, service, run);
    const rules = runbook.rules(service);
    await transaction(context.journal, async (tx) => {
      const moved = await moveRun(tx, run.id, ["planning"], run.showOnly ? "shown" : "awaiting_approval", {
        plan,
        planHash: hash,
        approvalsNeeded: rules.approvals,
        expiresAt: new Date(Date.now() + rules.expires),
        ended: run.showOnly,
      });
      if (!moved) return;
      await appendEvent(tx, { kind: "run", id: run.id }, "planned", { data: { planHash: hash } });
      await showCard(tx, run);
    });
  } catch (error) {
    if (!(error instanceof StewardError)) context.log.error({ err: error, run: run.id }, "planning failed");
    await refuse(context, run, error);
  }
}

/**
 * Starts a queued run if its service is free and its plan still holds. `started`: it is running now.
 * `replanned`: what would run has changed, the approval is void and the card asks again.
 * `waiting`: another run holds the service; the end of that one brings this one back.
 */
export async function startQueued(
  context: RunbookContext,
  run: Run,
): Promise<"started" | "replanned" | "waiting" | "gone"> {
  if (await activeRun(context.journal, run.service, run.slot)) return "waiting";
  const service = declared(context, run);
  const { plan, hash } = await computePlan(context, findRunbook(context, run.runbook), service, run);
  if (hash !== run.planHash) {
    await transaction(context.journal, async (tx) => {
      const differences = planDifferences(run.plan!, plan);
      const again = {
        ...plan,
        context: {
          ...plan.context,
          warnings: [
            ...differences.map((line) => `Changed since the approval: ${line}`),
            ...plan.context.warnings,
          ],
        },
      };
      const expiresAt = new Date(Date.now() + findRunbook(context, run.runbook).rules(service).expires);
      const moved = await moveRun(tx, run.id, ["queued"], "awaiting_approval", {
        plan: again,
        planHash: hash,
        expiresAt,
      });
      if (!moved) return;
      await appendEvent(tx, { kind: "run", id: run.id }, "plan_changed", {
        data: { differences, planHash: hash },
      });
      await redrawMessages(tx, "run", run.id);
    });
    return "replanned";
  }
  try {
    return await transaction(context.journal, async (tx) => {
      const moved = await moveRun(tx, run.id, ["queued"], "running", { started: true });
      if (!moved) return "gone";
      await appendEvent(tx, { kind: "run", id: run.id }, "started", { data: { planHash: hash } });
      await redrawMessages(tx, "run", run.id);
      return "started";
    });
  } catch (error) {
    // the unique index on active runs: somebody else's run got in first
    if ((error as { code?: string }).code === "23505") return "waiting";
    throw error;
  }
}

/** Ends a run that cannot be planned (any more), and tells who asked; where nobody did, its card says so. */
export async function refuse(context: RunbookContext, run: Run, error: unknown): Promise<void> {
  const record = errorRecord(error);
  record.message = context.redact(record.message);
  await whileAway(() =>
    transaction(context.journal, async (tx) => {
      const moved = await moveRun(tx, run.id, ["planning", "queued"], "void", { error: record, ended: true });
      if (!moved) return;
      await appendEvent(tx, { kind: "run", id: run.id }, "void", {
        data: { code: record.code, message: record.message },
      });
      if (run.requestedBy.kind !== "person") return await showCard(tx, run);
      await redrawMessages(tx, "run", run.id);
      const intent = run.intentId === null ? undefined : await loadIntent(tx, run.intentId);
      await say(
        tx,
        "error",
        { code: record.code, message: record.message, ...(record.hint ? { hint: record.hint } : {}) },
        {
          channel: run.channel,
          person: run.requestedBy.id,
          responseUrl: typeof intent?.payload.responseUrl === "string" ? intent.payload.responseUrl : null,
          urgent: true,
        },
      );
    }),
  );
}

async function showCard(tx: Db, run: Run): Promise<void> {
  await wantMessage(tx, {
    subjectKind: "run",
    subjectId: run.id,
    channel: run.channel,
    threadOf: run.threadOf,
    urgent: true,
  });
}

function declared(context: RunbookContext, run: Run): Service {
  const service = context.config.services.find((known) => known.id === run.service);
  if (service) return service;
  throw new StewardError("unknown_service", `${run.service} is not declared in steward.yml any more`, {
    hint: "Declare it again or ask for another service.",
  });
}
