import type { ErrorRecord } from "../errors.ts";
import type { Db } from "./database.ts";
import { allRows, firstRow } from "./rows.ts";
import type { Actor, Approval, Json, Plan, Run, RunState } from "./types.ts";

export interface NewRun {
  runbook: string;
  service: string;
  slot?: string;
  args: Record<string, string>;
  requestedBy: Actor;
  channel: string;
  intentId: number | null;
  threadOf?: number | null;
  showOnly?: boolean;
}

/** Writes a request for a run. Nothing is decided yet: planning comes next. Returns its id. */
export async function createRun(tx: Db, run: NewRun): Promise<number> {
  const result = await tx.query<{ id: number }>(
    `insert into runs (runbook, service, slot, args, requested_by, channel, intent_id, thread_of, show_only)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
    [
      run.runbook,
      run.service,
      run.slot ?? "service",
      run.args,
      run.requestedBy,
      run.channel,
      run.intentId,
      run.threadOf ?? null,
      run.showOnly ?? false,
    ],
  );
  return result.rows[0]!.id;
}

export async function loadRun(db: Db, id: number): Promise<Run | undefined> {
  return firstRow(await db.query("select * from runs where id = $1", [id]));
}

/** The run, locked till the end of the transaction. */
export async function lockRun(tx: Db, id: number): Promise<Run | undefined> {
  return firstRow(await tx.query("select * from runs where id = $1 for update", [id]));
}

/** Newest first; `active` leaves out what has ended. */
export async function listRuns(
  db: Db,
  filter: { service?: string; active?: boolean; limit?: number },
): Promise<Run[]> {
  return allRows(
    await db.query(
      `select * from runs where ($1::text is null or service = $1)
         and (not $2 or state in ('planning', 'awaiting_approval', 'queued', 'running', 'needs_decision', 'undoing'))
       order by id desc limit $3`,
      [filter.service ?? null, filter.active ?? false, filter.limit ?? 20],
    ),
  );
}

/** The run that holds the service's slot now, if one does. */
export async function activeRun(db: Db, service: string, slot = "service"): Promise<Run | undefined> {
  return firstRow(
    await db.query(
      "select * from runs where service = $1 and slot = $2 and state in ('running', 'needs_decision', 'undoing')",
      [service, slot],
    ),
  );
}

/** Services that a run holds now: their checks are measured and open no incident. */
export async function servicesUnderRun(db: Db): Promise<Set<string>> {
  const result = await db.query<{ service: string }>(
    "select service from runs where slot = 'service' and state in ('running', 'undoing')",
  );
  return new Set(result.rows.map((row) => row.service));
}

export interface RunChange {
  plan?: Plan;
  planHash?: string;
  approvalsNeeded?: number;
  expiresAt?: Date | null;
  error?: ErrorRecord | null;
  decision?: Run["decision"];
  cancelRequested?: Actor;
  facts?: Record<string, Json>;
  started?: boolean;
  ended?: boolean;
}

/**
 * Moves a run from one of `from` to `to` and counts a revision: compare-and-set, so of two who try only one
 * succeeds. Undefined when the run was in none of `from`. `token`, where given, must still be the run's own.
 */
export async function moveRun(
  tx: Db,
  id: number,
  from: RunState[],
  to: RunState,
  change: RunChange = {},
  token?: number,
): Promise<Run | undefined> {
  const result = await tx.query(
    `update runs set state = $3, revision = revision + 1,
       plan = coalesce($4::jsonb, plan), plan_hash = coalesce($5::text, plan_hash), approvals_needed = coalesce($6::integer, approvals_needed),
       expires_at = case when $7::boolean then $8::timestamptz else expires_at end,
       error = case when $9::boolean then $10::jsonb else error end,
       decision = case when $11::boolean then $12::jsonb else decision end,
       cancel_requested = coalesce($13::jsonb, cancel_requested),
       facts = facts || coalesce($14::jsonb, '{}'),
       started_at = case when $15::boolean then coalesce(started_at, now()) else started_at end,
       ended_at = case when $16::boolean then now() else ended_at end
     where id = $1 and state = any($2) and ($17::bigint is null or token = $17) returning *`,
    [
      id,
      from,
      to,
      change.plan ?? null,
      change.planHash ?? null,
      change.approvalsNeeded ?? null,
      change.expiresAt !== undefined,
      change.expiresAt ?? null,
      change.error !== undefined,
      change.error ?? null,
      change.decision !== undefined,
      change.decision ?? null,
      change.cancelRequested ?? null,
      change.facts ?? null,
      change.started ?? false,
      change.ended ?? false,
      token ?? null,
    ],
  );
  return firstRow(result);
}

/**
 * Takes the run over: a new fencing token, after which the old holder may write nothing.
 * Undefined when the run is not to be carried any more.
 */
export async function claimRun(db: Db, id: number): Promise<Run | undefined> {
  return firstRow(
    await db.query(
      "update runs set token = token + 1 where id = $1 and state in ('running', 'undoing') returning *",
      [id],
    ),
  );
}

/** The oldest queued run of the service, where nothing holds the slot. Lock-free: `moveRun` decides. */
export async function nextQueuedRun(db: Db, service: string, slot: string): Promise<Run | undefined> {
  return firstRow(
    await db.query(
      `select * from runs r where service = $1 and slot = $2 and state = 'queued' and not exists (
         select 1 from runs a where a.service = r.service and a.slot = r.slot and a.state in ('running', 'needs_decision', 'undoing'))
       order by id limit 1`,
      [service, slot],
    ),
  );
}

/** Runs that wait for an approval whose time is over. */
export async function expiredRuns(db: Db): Promise<Run[]> {
  return allRows(
    await db.query("select * from runs where state = 'awaiting_approval' and expires_at < now()"),
  );
}

/** Runs in one of the states, oldest first: what the sweeps look at. */
export async function runsInState(db: Db, states: RunState[]): Promise<Run[]> {
  return allRows(await db.query("select * from runs where state = any($1) order by id", [states]));
}

/** Writes one person's decision about one plan. False when that person decided about this plan before. */
export async function recordApproval(
  tx: Db,
  approval: {
    runId: number;
    planHash: string;
    actor: Actor;
    decision: Approval["decision"];
    reason: string | null;
  },
): Promise<boolean> {
  const result = await tx.query(
    `insert into approvals (run_id, plan_hash, person, actor, decision, reason) values ($1, $2, $3, $4, $5, $6)
     on conflict (run_id, plan_hash, person) do nothing`,
    [
      approval.runId,
      approval.planHash,
      approval.actor.id,
      approval.actor,
      approval.decision,
      approval.reason,
    ],
  );
  return result.rowCount === 1;
}

export async function listApprovals(db: Db, runId: number): Promise<Approval[]> {
  return allRows(await db.query("select * from approvals where run_id = $1 order by id", [runId]));
}
