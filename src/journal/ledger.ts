import type { Db } from "./database.ts";

export type Tick = "fired" | "late" | "missed";

/**
 * Claims a tick of a schedule. `dueAt` is the time it was due (never now), so every replica names the same
 * row: true for the one that wrote it first. Send the work in the same transaction.
 */
export async function claimTick(
  tx: Db,
  task: string,
  dueAt: Date,
  holder: string,
  outcome: Tick = "fired",
): Promise<boolean> {
  const result = await tx.query(
    "insert into schedule_ledger (task, due_at, fired_by, outcome) values ($1, $2, $3, $4) on conflict do nothing",
    [task, dueAt, holder, outcome],
  );
  return result.rowCount === 1;
}

/** When the task last had a tick, whatever became of it. */
export async function lastTick(db: Db, task: string): Promise<Date | undefined> {
  const result = await db.query<{ due_at: Date }>(
    "select due_at from schedule_ledger where task = $1 order by due_at desc limit 1",
    [task],
  );
  return result.rows[0]?.due_at;
}
