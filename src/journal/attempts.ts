import type { ErrorRecord } from "../errors.ts";
import { StewardError } from "../errors.ts";
import type { Db } from "./database.ts";
import { allRows, firstRow } from "./rows.ts";
import type { Attempt, Json, ProcessRecord } from "./types.ts";

export interface NewAttempt {
  runId: number;
  step: string;
  position: number;
  direction: Attempt["direction"];
  token: number;
  holder: string;
}

/**
 * Writes the intent before the deed. Refused with `claim_lost` when the run has another holder by now:
 * the fencing is in the statement itself.
 */
export async function beginAttempt(db: Db, attempt: NewAttempt): Promise<Attempt> {
  const result = await db.query(
    `insert into attempts (run_id, step, position, direction, number, token, holder)
     select r.id, $2, $3, $4, 1 + (select count(*) from attempts a where a.run_id = r.id and a.step = $2 and a.direction = $4), $5, $6
     from runs r where r.id = $1 and r.token = $5 and r.state in ('running', 'undoing')
     returning *`,
    [attempt.runId, attempt.step, attempt.position, attempt.direction, attempt.token, attempt.holder],
  );
  return firstRow<Attempt>(result) ?? claimLost(attempt.runId);
}

export interface AttemptEnd {
  outcome: NonNullable<Attempt["outcome"]>;
  output: string;
  error?: ErrorRecord;
  /** left for later steps; merged into the run's */
  facts?: Record<string, Json>;
}

/** Prepared, as every step has it: planning it anew would cost more than carrying it out. */
const PASS_ON = {
  name: "pass-on",
  text: `with run as (
       update runs set facts = facts || $5::jsonb, revision = revision + 1
       where id = $1 and token = $2 and state = 'running' returning id, cancel_requested),
     ended as (
       update attempts a set ended_at = now(), outcome = $6, output = $7, error = $8::jsonb
       from run where a.id = $4 and a.run_id = run.id and a.ended_at is null),
     begun as (
       insert into attempts (run_id, step, position, direction, number, token, holder)
       select run.id, $9, $10, $11, 1 + (select count(*) from attempts a where a.run_id = run.id and a.step = $9 and a.direction = $11), $2, $3
       from run where run.cancel_requested is null and not exists (
         select 1 from attempts o where o.run_id = run.id and o.step = $9 and o.direction = $11 and o.token = $2 and o.ended_at is null)
       returning *),
     drawn as (
       update messages set revision = revision + 1 from run
       where subject_kind = 'run' and subject_id = run.id and messages.state = 'live')
     select run.cancel_requested is not null as cancelled, begun.id as begun_id, begun.*, pg_notify('steward', 'messages')
     from run left join begun on true`,
};

/**
 * The outcome of one attempt and the intent of the next, in one statement and so in one commit; `ended` is missing
 * for the first. No next one is begun when the run is to be cancelled: `begun` is then missing. Repeated after a
 * lost answer it finds what it had written. Refused with `claim_lost` when the run has another holder.
 */
export async function passOn(
  db: Db,
  ended: { attempt: Pick<Attempt, "id">; end: AttemptEnd } | null,
  next: NewAttempt,
): Promise<{ begun: Attempt | undefined }> {
  const result = await db.query<{ begun_id: number | null; cancelled: boolean }>(PASS_ON, [
    next.runId,
    next.token,
    next.holder,
    ended?.attempt.id ?? null,
    ended?.end.facts ?? {},
    ended?.end.outcome ?? null,
    ended?.end.output ?? "",
    ended?.end.error ?? null,
    next.step,
    next.position,
    next.direction,
  ]);
  const [row] = result.rows;
  if (!row) return claimLost(next.runId);
  if (row.begun_id !== null) return { begun: firstRow<Attempt>(result) };
  if (row.cancelled) return { begun: undefined };
  return { begun: (await listAttempts(db, next.runId)).findLast(({ endedAt }) => endedAt === null) };
}

/** Writes down which process is about to act; call it before the process is let go. */
export async function recordProcess(
  db: Db,
  attempt: Pick<Attempt, "id" | "runId" | "token">,
  process: ProcessRecord,
): Promise<void> {
  const result = await db.query(
    {
      name: "record-process",
      text: `update attempts set process = $3 where id = $1 and ended_at is null
       and exists (select 1 from runs r where r.id = attempts.run_id and r.token = $2)`,
    },
    [attempt.id, attempt.token, process],
  );
  if (result.rowCount !== 1) claimLost(attempt.runId);
}

/** Keeps the output so far; bounded and redacted by the caller. Silent when the claim is lost: the end will say so. */
export async function recordOutput(
  db: Db,
  attempt: Pick<Attempt, "id" | "token">,
  output: string,
): Promise<void> {
  await db.query(
    "update attempts set output = $3 where id = $1 and exists (select 1 from runs r where r.id = attempts.run_id and r.token = $2)",
    [attempt.id, attempt.token, output],
  );
}

/**
 * Writes the outcome after the deed, with the facts that the step leaves to later ones, in one statement.
 * Refused with `claim_lost` when the run has another holder.
 */
export async function endAttempt(
  db: Db,
  attempt: Pick<Attempt, "id" | "runId" | "token">,
  end: AttemptEnd,
): Promise<void> {
  const result = await db.query(
    `with run as (
       update runs set facts = facts || $6::jsonb, revision = revision + 1 where id = $7 and token = $2 returning id)
     update attempts set ended_at = now(), outcome = $3, output = $4, error = $5
     from run where attempts.id = $1 and attempts.run_id = run.id and attempts.ended_at is null`,
    [attempt.id, attempt.token, end.outcome, end.output, end.error ?? null, end.facts ?? {}, attempt.runId],
  );
  if (result.rowCount !== 1) claimLost(attempt.runId);
}

/** A person decided that this step counts as done (or as taken back) without being done. */
export async function recordSkip(tx: Db, skip: Omit<NewAttempt, "position">): Promise<void> {
  await tx.query(
    `insert into attempts (run_id, step, position, direction, number, token, holder, ended_at, outcome)
     select $1, $2, 0, $3, 1 + count(*), $4, $5, now(), 'skipped' from attempts where run_id = $1 and step = $2 and direction = $3`,
    [skip.runId, skip.step, skip.direction, skip.token, skip.holder],
  );
}

/**
 * Closes what an earlier holder left open, once its process is known to be dead. \`token\` is the new
 * holder's: the old one can no longer write.
 */
export async function closeInterrupted(
  db: Db,
  attempt: Pick<Attempt, "id" | "runId">,
  token: number,
  outcome: "interrupted" | "done",
): Promise<void> {
  const result = await db.query(
    `update attempts set ended_at = now(), outcome = $3 where id = $1 and ended_at is null
       and exists (select 1 from runs r where r.id = attempts.run_id and r.token = $2)`,
    [attempt.id, token, outcome],
  );
  if (result.rowCount !== 1) claimLost(attempt.runId);
}

/** Every attempt of a run, oldest first. */
export async function listAttempts(db: Db, runId: number): Promise<Attempt[]> {
  return allRows(await db.query("select * from attempts where run_id = $1 order by id", [runId]));
}

function claimLost(runId: number): never {
  throw new StewardError("claim_lost", `Run ${runId} was taken over by another replica`, {
    hint: "Nothing to do: the other replica goes on.",
  });
}
