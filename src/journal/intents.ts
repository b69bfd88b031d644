import type { ErrorRecord } from "../errors.ts";
import type { Db } from "./database.ts";
import { camelRow, firstRow } from "./rows.ts";
import type { Actor, Intent, Json } from "./types.ts";

export interface NewIntent {
  /** the delivery's own key: the same delivery twice is one intent */
  key: string;
  kind: Intent["kind"];
  actor: Actor;
  channel: string | null;
  payload: { [key: string]: Json };
}

/**
 * The one durable write before an acknowledgement. False when this delivery was there already.
 * It notifies nobody: commits that notify wait for one another, and so would acknowledgements. Whoever records
 * wakes the dispatcher of its own replica; the others' sweeps take what is left over.
 */
export async function recordIntent(db: Db, intent: NewIntent): Promise<boolean> {
  const result = await db.query(
    `insert into intents (key, kind, actor, channel, payload) values ($1, $2, $3, $4, $5)
     on conflict (key) do nothing`,
    [intent.key, intent.kind, intent.actor, intent.channel, intent.payload],
  );
  return result.rowCount === 1;
}

/** Locks and returns the oldest intent nobody is working on; call it in the transaction that carries it out. */
export async function takeIntent(tx: Db): Promise<Intent | undefined> {
  return firstRow(
    await tx.query("select * from intents where state = 'new' order by id limit 1 for update skip locked"),
  );
}

/** Whether there is one that nobody is working on. */
export async function intentWaits(db: Db): Promise<boolean> {
  const result = await db.query(
    "select from intents where state = 'new' order by id limit 1 for update skip locked",
  );
  return result.rowCount === 1;
}

export async function finishIntent(tx: Db, id: number, error?: ErrorRecord): Promise<void> {
  await tx.query("update intents set state = $2, error = $3, done_at = now() where id = $1", [
    id,
    error ? "failed" : "done",
    error ?? null,
  ]);
}

export async function loadIntent(db: Db, id: number): Promise<Intent | undefined> {
  const result = await db.query("select * from intents where id = $1", [id]);
  return result.rows[0] ? camelRow<Intent>(result.rows[0]) : undefined;
}
