/**
 * What people may ask of a run. Each function works inside the caller's transaction (the intent's own), so a
 * click and its effect are one; each throws StewardErrors that are meant for the person who asked.
 */
import { findService, hasRole, type Service } from "../config.ts";
import { nearest, StewardError } from "../errors.ts";
import { listAttempts, recordSkip } from "../journal/attempts.ts";
import type { Db } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { findMessage, redrawMessages } from "../journal/messages.ts";
import { createRun, listApprovals, lockRun, moveRun, recordApproval } from "../journal/runs.ts";
import type { Actor, Approval, Decision, Incident, Run } from "../journal/types.ts";
import { assertMayDecide, isApproved } from "./approval.ts";
import { endRun } from "./ending.ts";
import type { Runbook, RunbookContext } from "./runbook.ts";
import { parseTime } from "./times.ts";

export interface RunRequest {
  runbook: string;
  service: string;
  args: Record<string, string>;
  actor: Actor;
  channel: string;
  intentId: number | null;
  showOnly?: boolean;
  /** when, as typed: `22:30`, `2026-11-24T02:00`, `+2h`, in the config's zone; without it as soon as it may */
  at?: string;
  /** the run whose end asked for this one */
  follows?: number;
  /** the incident whose thread the card goes to */
  incident?: Pick<Incident, "id">;
}

/** Asks for a run: written down now, planned next; its card stands once there is a plan to look at. Returns the run's id. */
export async function requestRun(context: RunbookContext, tx: Db, request: RunRequest): Promise<number> {
  const runbook = findRunbook(context, request.runbook);
  const service = findService(context.config, request.service);
  assertOperator(context, request.actor);
  if (service.observe) {
    throw new StewardError(
      "observe_mode",
      `${service.id} is in observe mode: Steward looks and changes nothing`,
      {
        hint: `Set services.${service.name}.observe to false in steward.yml to enable runbooks.`,
      },
    );
  }
  assertArguments(runbook, service, request.args);
  const scheduledFor =
    request.at === undefined ? null : parseTime(request.at, context.config.zone, new Date());
  const root = request.incident ? await findMessage(tx, "incident", request.incident.id) : undefined;
  const id = await createRun(tx, {
    runbook: runbook.name,
    service: service.id,
    args: request.args,
    requestedBy: request.actor,
    channel: root?.channel ?? request.channel,
    threadOf: root?.id ?? null,
    intentId: request.intentId,
    showOnly: request.showOnly ?? false,
    scheduledFor,
    follows: request.follows ?? null,
  });
  await appendEvent(tx, { kind: "run", id }, "requested", {
    actor: request.actor,
    data: { runbook: runbook.name, service: service.id },
  });
  if (request.incident) {
    await appendEvent(tx, { kind: "incident", id: request.incident.id }, "runbook", {
      actor: request.actor,
      data: { run: id, runbook: runbook.name },
    });
  }
  await context.queue.send(tx, "plan", { runId: id }, { key: String(id) });
  return id;
}

/** Approves or rejects exactly the plan whose hash the clicked card carried. */
export async function decideApproval(
  context: RunbookContext,
  tx: Db,
  request: {
    runId: number;
    planHash: string;
    actor: Actor;
    decision: Approval["decision"];
    reason: string | null;
  },
): Promise<Run> {
  const run = await lockKnown(tx, request.runId);
  const approvals = await listApprovals(tx, run.id);
  assertMayDecide(run, request, approvals, context.config.roles, new Date());
  if (request.decision === "reject" && !request.reason?.trim()) {
    throw new StewardError("reason_missing", "A rejection needs a reason", {
      hint: "Press Reject again and say why.",
    });
  }
  await recordApproval(tx, { ...request, planHash: run.planHash!, runId: run.id });
  await appendEvent(
    tx,
    { kind: "run", id: run.id },
    request.decision === "approve" ? "approved" : "rejected",
    {
      actor: request.actor,
      data: { planHash: run.planHash!, ...(request.reason ? { reason: request.reason } : {}) },
    },
  );
  let moved = run;
  if (request.decision === "reject") {
    moved = (await moveRun(tx, run.id, ["awaiting_approval"], "rejected", {
      ended: true,
      error: { code: "rejected", message: request.reason ?? "" },
    }))!;
  } else if (isApproved(run, await listApprovals(tx, run.id))) {
    moved = (await moveRun(tx, run.id, ["awaiting_approval"], "queued"))!;
    await context.queue.send(tx, "run", { runId: run.id }, { key: String(run.id) });
  }
  await redrawMessages(tx, "run", run.id);
  return moved;
}

/** Settles a run that waits for a person: try the step again, skip it, undo the run, or leave it as it is. */
export async function decideStuck(
  context: RunbookContext,
  tx: Db,
  request: { runId: number; actor: Actor; choice: Decision },
): Promise<Run> {
  const run = await lockKnown(tx, request.runId);
  assertOperator(context, request.actor);
  if (run.state !== "needs_decision" || !run.decision) {
    throw new StewardError(
      "no_decision_wanted",
      `Run ${run.id} waits for no decision: it is ${run.state.replace("_", " ")}`,
      { hint: "The card now shows where it stands." },
    );
  }
  if (!run.decision.choices.includes(request.choice)) {
    throw new StewardError(
      "no_such_choice",
      `'${request.choice}' is not a choice here; choices: ${run.decision.choices.join(", ")}`,
    );
  }
  return await settleStuck(context, tx, run, request);
}

/** The same for whoever was asked already: a cure that settles the run in its way is approved together with that. */
export async function settleStuck(
  context: RunbookContext,
  tx: Db,
  run: Run,
  request: { actor: Actor; choice: Decision },
): Promise<Run> {
  const { step, direction, reason } = run.decision!;
  await appendEvent(tx, { kind: "run", id: run.id }, "decided", {
    actor: request.actor,
    data: { choice: request.choice, step, direction },
  });
  if (request.choice === "abandon") {
    const left = await whatStays(context, tx, run);
    const error = {
      code: "abandoned",
      message: `Left as it is at ${step}: ${reason}`,
      ...(left ? { hint: left } : {}),
    };
    const ended = await endRun(context, tx, run, "failed", { from: ["needs_decision"], error });
    return ended ?? run;
  }
  if (request.choice === "skip") {
    await recordSkip(tx, { runId: run.id, step, direction, token: run.token, holder: request.actor.id });
  }
  const next = request.choice === "undo" ? "undoing" : direction === "undo" ? "undoing" : "running";
  const moved = (await moveRun(tx, run.id, ["needs_decision"], next, { decision: null }))!;
  await redrawMessages(tx, "run", run.id);
  await context.queue.send(tx, "run", { runId: run.id }, { key: String(run.id) });
  return moved;
}

/** Cancels: at once while nothing acts, otherwise between steps, undoing what was done. */
export async function cancelRun(
  context: RunbookContext,
  tx: Db,
  request: { runId: number; actor: Actor },
): Promise<Run> {
  const run = await lockKnown(tx, request.runId);
  assertOperator(context, request.actor);
  await appendEvent(tx, { kind: "run", id: run.id }, "cancel_requested", { actor: request.actor });
  if (["planning", "awaiting_approval", "queued"].includes(run.state)) {
    const ended = await endRun(context, tx, run, "cancelled", {
      from: ["planning", "awaiting_approval", "queued"],
    });
    return ended ?? run;
  }
  if (run.state === "running") {
    const moved = (await moveRun(tx, run.id, ["running"], "running", { cancelRequested: request.actor }))!;
    await redrawMessages(tx, "run", run.id);
    return moved;
  }
  throw new StewardError(
    "cannot_cancel",
    `Run ${run.id} cannot be cancelled: it is ${run.state.replace("_", " ")}`,
    {
      hint:
        run.state === "needs_decision"
          ? "Choose one of the buttons on its card."
          : "The card shows where it stands.",
    },
  );
}

/** Every runbook with what it takes, for help and for the parser. */
export function knownRunbooks(
  context: Pick<RunbookContext, "runbooks">,
): Pick<Runbook, "name" | "help" | "args">[] {
  return context.runbooks.map(({ name, help, args }) => ({ name, help, args }));
}

export function findRunbook(context: Pick<RunbookContext, "runbooks">, name: string): Runbook {
  const runbook = context.runbooks.find((known) => known.name === name);
  if (runbook) return runbook;
  const names = context.runbooks.map((known) => known.name);
  const near = nearest(name, names);
  throw new StewardError(
    "unknown_runbook",
    `Unknown runbook '${name.slice(0, 60)}'; known: ${names.join(", ")}`,
    near ? { hint: `Did you mean ${near}?` } : {},
  );
}

/** What the steps that were done and not taken back may have left in force. */
export async function whatStays(context: RunbookContext, tx: Db, run: Run): Promise<string> {
  const service = context.config.services.find((known) => known.id === run.service);
  if (!service || !run.plan) return "";
  const attempts = await listAttempts(tx, run.id);
  const done = (step: string, direction: "do" | "undo") =>
    attempts.some(
      (attempt) => attempt.step === step && attempt.direction === direction && attempt.outcome === "done",
    );
  return findRunbook(context, run.runbook)
    .steps(context, run.plan, service)
    .flatMap(({ name, leaves }) => (leaves && done(name, "do") && !done(name, "undo") ? [leaves] : []))
    .join("; ");
}

const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const VERSION_ALLOWED = "letters, digits and . _ + - , beginning with a letter or digit, at most 64";

/** What people type becomes whole arguments of commands: each has to look like what it is. */
function assertArguments(runbook: Runbook, service: Service, args: Record<string, string>): void {
  const usage = `/ops ${runbook.name} ${service.id} ${runbook.args.map(({ name }) => name.toUpperCase()).join(" ")}`;
  const missing = runbook.args.find((arg) => arg.required && !args[arg.name]);
  if (missing) {
    throw new StewardError("missing_argument", `${runbook.name} needs a ${missing.name}: ${missing.help}`, {
      hint: `/ops ${runbook.name} ${service.id} ${missing.name.toUpperCase()}`,
    });
  }
  for (const [name, value] of Object.entries(args)) {
    const known = runbook.args.find((arg) => arg.name === name);
    if (known && matchesWhole(known.pattern ?? VERSION, value)) continue;
    const allowed = known
      ? `${name}: ${known.pattern ? (known.allowed ?? known.help) : VERSION_ALLOWED}`
      : runbook.args.map((arg) => arg.name).join(", ") || "no arguments";
    throw new StewardError("bad_argument", `'${value.slice(0, 60)}' cannot be used; allowed: ${allowed}`, {
      hint: usage,
    });
  }
}

function matchesWhole(pattern: RegExp, value: string): boolean {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, "")).test(value);
}

function assertOperator(context: RunbookContext, actor: Actor): void {
  if (actor.kind === "system" || hasRole(context.config.roles, actor, "operator")) return;
  throw new StewardError(
    "not_allowed",
    "You are not an operator, so you cannot start, cancel or settle runs",
    {
      hint: "Operators are named in steward.yml (roles.operator).",
    },
  );
}

async function lockKnown(tx: Db, id: number): Promise<Run> {
  const run = await lockRun(tx, id);
  if (run) return run;
  throw new StewardError("unknown_run", `There is no run ${id}`, { hint: "/ops runs lists them." });
}
