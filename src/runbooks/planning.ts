/** From a request to a card that asks, or to a queued run where the approval was given beforehand. */
import type { Service } from "../config.ts";
import { errorRecord, StewardError } from "../errors.ts";
import { type Db, isAway, transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { loadIntent } from "../journal/intents.ts";
import { redrawMessages, say, wantMessage } from "../journal/messages.ts";
import { activeRun, loadRun, moveRun } from "../journal/runs.ts";
import type { Plan, Run } from "../journal/types.ts";
import { assertStaged, heldOf, holdOf } from "./holds.ts";
import { computePlan } from "./plan.ts";
import { findRunbook, whatStays } from "./requests.ts";
import type { Runbook, RunbookContext } from "./runbook.ts";
import { standingApproval } from "./standing.ts";

const TRIES = 3;

/** Works out the plan of a requested run and asks for its approval; a request that cannot be done ends, and its requester is told why. */
export async function planRequested(context: RunbookContext, runId: number): Promise<void> {
  const run = await whileAway(() => loadRun(context.journal, runId));
  if (run?.state !== "planning") return;
  const runbook = findRunbook(context, run.runbook);
  try {
    await throughRestarts(context, () => planNow(context, run, runbook));
  } catch (error) {
    if (!(error instanceof StewardError)) context.log.error({ err: error, run: run.id }, "planning failed");
    await refuse(context, run, error);
  }
}

/**
 * Repeats what read much and wrote nothing when the journal went away in the middle: a restart of it ends no run.
 * Three times, since it may be the service's own database that is away.
 */
export async function throughRestarts<T>(context: RunbookContext, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || tries === TRIES) throw error;
      await whileAway(() => context.journal.query("select 1"));
    }
  }
}

async function planNow(context: RunbookContext, run: Run, runbook: Runbook): Promise<void> {
  const service = declared(context, run);
  const settles = runbook.cure ? await settlement(context, run) : null;
  const { plan, hash } = await computePlan(context, runbook, service, { ...run, settles });
  if (runbook.planned) await assertStaged(context, service, plan);
  const rules = runbook.rules(service);
  const hold = await holdOf(context, runbook, service, { ...run, planHash: hash });
  await transaction(context.journal, async (tx) => {
    // how a stuck run is settled is for a person to say
    const standing = run.showOnly || settles ? null : await standingApproval(tx, service, run, plan);
    const state = run.showOnly ? "shown" : standing ? "queued" : "awaiting_approval";
    const moved = await moveRun(tx, run.id, ["planning"], state, {
      plan: settles ? await withSettlement(context, tx, plan, run, settles) : plan,
      planHash: hash,
      approvalsNeeded: rules.approvals,
      expiresAt: new Date(Date.now() + rules.expires),
      settles,
      held: hold && heldOf(hold),
      ended: run.showOnly,
      ...(standing ? { standing: service.declaration, facts: { standing: { ...standing } } } : {}),
    });
    if (!moved) return;
    await appendEvent(tx, { kind: "run", id: run.id }, "planned", { data: { planHash: hash } });
    if (standing) {
      await appendEvent(tx, { kind: "run", id: run.id }, "approved", {
        actor: { kind: "system", id: "standing" },
        data: { planHash: hash, declaration: service.declaration, ...standing },
      });
      await context.queue.send(tx, "run", { runId: run.id }, { key: String(run.id) });
    }
    await showCard(tx, run);
  });
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

/** The service as it is declared now. Throws `unknown_service` when it is not any more. */
export function declared(context: RunbookContext, run: Run): Service {
  const service = context.config.services.find((known) => known.id === run.service);
  if (service) return service;
  throw new StewardError("unknown_service", `${run.service} is not declared in steward.yml any more`, {
    hint: "Declare it again or ask for another service.",
  });
}

/**
 * How the run that is stuck in this one's way would be settled: as `settle` chooses, else left as it is, since this
 * plan was worked out from what stands now.
 */
async function settlement(context: RunbookContext, run: Run): Promise<Run["settles"]> {
  const stuck = await activeRun(context.journal, run.service, run.slot);
  if (stuck?.state !== "needs_decision") return null;
  const choices = settlings(stuck);
  const choice = choices.find((one) => one === run.args.settle) ?? choices.at(-1);
  return choice ? { runId: stuck.id, choice } : null;
}

async function withSettlement(
  context: RunbookContext,
  tx: Db,
  plan: Plan,
  run: Run,
  settles: NonNullable<Run["settles"]>,
): Promise<Plan> {
  const stuck = (await loadRun(tx, settles.runId))!;
  const left = settles.choice === "abandon" ? await whatStays(context, tx, stuck) : "";
  const others = settlings(stuck).filter((choice) => choice !== settles.choice);
  return {
    ...plan,
    alternatives: [
      ...(plan.alternatives ?? []),
      ...others.map((settle) => ({
        label: settle === "undo" ? `Undo run ${stuck.id} first` : `Leave run ${stuck.id} as it is`,
        args: { ...run.args, settle },
      })),
    ],
    context: {
      ...plan.context,
      warnings: [
        `Run ${stuck.id} (${stuck.runbook}) is stuck at ${stuck.decision?.step}; approving this ${
          settles.choice === "undo" ? "undoes it first" : "leaves it as it is"
        }${left ? `: ${left}` : ""}`,
        ...plan.context.warnings,
      ],
    },
  };
}

/** Abandoning is always possible; undoing only where it has not begun. */
function settlings(stuck: Run): ("undo" | "abandon")[] {
  return stuck.decision?.choices.includes("undo") ? ["undo", "abandon"] : ["abandon"];
}
