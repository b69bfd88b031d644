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
  scheduledFor?: Date | null;
  /** the run whose end asked for this one */
  follows?: number | null;
}

/** Writes a request for a run. Nothing is decided yet: planning comes next. Returns its id. */
export async function createRun(tx: Db, run: NewRun): Promise<number> {
  const result = await tx.query<{ id: number }>(
    `insert into runs (runbook, service, slot, args, requested_by, channel, intent_id, thread_of, show_only, scheduled_for, not_before, follows)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11) returning id`,
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
      run.scheduledFor ?? null,
      run.follows ?? null,
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
  args?: Record<string, string>;
  plan?: Plan;
  planHash?: string;
  approvalsNeeded?: number;
  expiresAt?: Date | null;
  error?: ErrorRecord | null;
  decision?: Run["decision"];
  cancelRequested?: Actor;
  notBefore?: Date | null;
  held?: Run["held"];
  standing?: string | null;
  breakGlass?: Run["breakGlass"];
  reviewDueAt?: Date;
  reviewed?: Run["reviewed"];
  naggedAt?: Date;
  remindedAt?: Date | null;
  settles?: Run["settles"];
  /** merged into what is there */
  facts?: Record<string, Json>;
  started?: boolean;
  ended?: boolean;
}

/** What a change writes: the value's place is told by its number. */
const COLUMNS: Record<Exclude<keyof RunChange, "started" | "ended">, (place: string) => string> = {
  args: (place) => `args = ${place}::jsonb`,
  plan: (place) => `plan = ${place}::jsonb`,
  planHash: (place) => `plan_hash = ${place}`,
  approvalsNeeded: (place) => `approvals_needed = ${place}`,
  expiresAt: (place) => `expires_at = ${place}`,
  error: (place) => `error = ${place}::jsonb`,
  decision: (place) => `decision = ${place}::jsonb`,
  cancelRequested: (place) => `cancel_requested = ${place}::jsonb`,
  notBefore: (place) => `not_before = ${place}`,
  held: (place) => `held = ${place}::jsonb`,
  standing: (place) => `standing = ${place}`,
  breakGlass: (place) => `break_glass = ${place}::jsonb`,
  reviewDueAt: (place) => `review_due_at = ${place}`,
  reviewed: (place) => `reviewed = ${place}::jsonb`,
  naggedAt: (place) => `nagged_at = ${place}`,
  remindedAt: (place) => `reminded_at = ${place}`,
  settles: (place) => `settles = ${place}::jsonb`,
  facts: (place) => `facts = facts || ${place}::jsonb`,
};

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
  const values: unknown[] = [id, from, to, token ?? null];
  const sets = Object.entries(COLUMNS).flatMap(([name, set]) => {
    const value = change[name as keyof typeof COLUMNS];
    return value === undefined ? [] : [set(`$${values.push(value)}`)];
  });
  if (change.started) sets.push("started_at = coalesce(started_at, now())");
  if (change.ended) sets.push("ended_at = now()");
  const result = await tx.query(
    `update runs set ${["state = $3", "revision = revision + 1", ...sets].join(", ")}
     where id = $1 and state = any($2) and ($4::bigint is null or token = $4) returning *`,
    values,
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

/** The oldest queued run of the service whose time has come, where nothing holds the slot. Lock-free: `moveRun` decides. */
export async function nextQueuedRun(db: Db, service: string, slot: string): Promise<Run | undefined> {
  return firstRow(
    await db.query(
      `select * from runs r where service = $1 and slot = $2 and state = 'queued' and not exists (
         select 1 from runs a where a.service = r.service and a.slot = r.slot and a.state in ('running', 'needs_decision', 'undoing'))
         and (not_before is null or not_before <= now())
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

/** Runs that a standing approval let through since then: what is limited an hour. */
export async function countStandingRuns(
  tx: Db,
  of: { service: string; runbook: string; since: Date },
): Promise<number> {
  await tx.query("select pg_advisory_xact_lock(hashtext('standing ' || $1))", [of.service]);
  const result = await tx.query<{ count: number }>(
    `select count(*)::int as count from runs
     where service = $1 and runbook = $2 and standing is not null and created_at >= $3`,
    [of.service, of.runbook, of.since],
  );
  return result.rows[0]!.count;
}

/** Runs that wait for an approval and of which nobody was reminded yet. */
export async function unremindedRuns(db: Db): Promise<Run[]> {
  return allRows(
    await db.query(
      "select * from runs where state = 'awaiting_approval' and reminded_at is null and expires_at is not null order by id",
    ),
  );
}

/** Runs begun by breaking the glass whose review is due, and of which nobody was told since `before`. */
export async function unreviewedRuns(db: Db, before: Date): Promise<Run[]> {
  return allRows(
    await db.query(
      `select * from runs where break_glass is not null and reviewed is null and review_due_at < now()
         and (nagged_at is null or nagged_at < $1) order by id`,
      [before],
    ),
  );
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
