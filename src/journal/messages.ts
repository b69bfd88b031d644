import type { ErrorRecord } from "../errors.ts";
import { type Db, notify } from "./database.ts";
import { allRows, camelRow, firstRow } from "./rows.ts";
import type { Json, MessageRow, Notice, SubjectKind } from "./types.ts";

export interface MessageTarget {
  subjectKind: SubjectKind;
  subjectId: number;
  channel: string;
  part?: string;
  /** the message row in whose thread this one stands */
  threadOf?: number | null;
  person?: string | null;
  responseUrl?: string | null;
  /** replies to people and approvals go before boards, boards before reports */
  urgent?: boolean;
}

/**
 * Asks for a message to stand for this subject, or for the one that stands to be drawn again.
 * Nothing is sent here: the publisher does that after commit. Returns the row's id.
 */
export async function wantMessage(tx: Db, target: MessageTarget): Promise<number> {
  const result = await tx.query<{ id: number }>(
    `with wanted as (
       insert into messages (subject_kind, subject_id, channel, part, thread_of, person, response_url, urgent)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (subject_kind, subject_id, channel, part) do update set revision = messages.revision + 1
       returning id)
     select id, pg_notify('steward', 'messages') from wanted`,
    [
      target.subjectKind,
      target.subjectId,
      target.channel,
      target.part ?? "root",
      target.threadOf ?? null,
      target.person ?? null,
      target.responseUrl ?? null,
      target.urgent ?? false,
    ],
  );
  return result.rows[0]!.id;
}

/** Has every message of the subject drawn again. */
export async function redrawMessages(tx: Db, subjectKind: SubjectKind, subjectId: number): Promise<void> {
  await tx.query(
    "update messages set revision = revision + 1 where subject_kind = $1 and subject_id = $2 and state = 'live'",
    [subjectKind, subjectId],
  );
  await notify(tx, "messages");
}

/** Writes down something to be said once and asks for its message. */
export async function say(
  tx: Db,
  kind: string,
  data: { [key: string]: Json },
  target: Omit<MessageTarget, "subjectKind" | "subjectId">,
): Promise<number> {
  const notice = await tx.query<{ id: number }>(
    "insert into notices (kind, data) values ($1, $2) returning id",
    [kind, data],
  );
  return await wantMessage(tx, { ...target, subjectKind: "notice", subjectId: notice.rows[0]!.id });
}

/** The row that stands for a subject in a channel, if one does. */
export async function findMessage(
  db: Db,
  subjectKind: SubjectKind,
  subjectId: number,
  part = "root",
): Promise<MessageRow | undefined> {
  return firstRow(
    await db.query(
      "select * from messages where subject_kind = $1 and subject_id = $2 and part = $3 order by id limit 1",
      [subjectKind, subjectId, part],
    ),
  );
}

export async function loadMessage(db: Db, id: number): Promise<MessageRow | undefined> {
  return firstRow(await db.query("select * from messages where id = $1", [id]));
}

export async function loadNotice(db: Db, id: number): Promise<Notice | undefined> {
  return firstRow(await db.query("select * from notices where id = $1", [id]));
}

/**
 * Messages whose newest state is not shown yet and whose time has come, urgent ones first.
 * A reply in a thread waits until its root stands.
 */
export async function dueMessages(
  db: Db,
  limit: number,
): Promise<(MessageRow & { threadTs: string | null })[]> {
  return allRows(
    await db.query(
      `select m.*, root.ts as thread_ts from messages m left join messages root on root.id = m.thread_of
       where m.state = 'live' and m.shown < m.revision and m.next_try <= now()
         and (m.thread_of is null or root.ts is not null or root.state = 'failed')
       order by m.urgent desc, m.id limit $1`,
      [limit],
    ),
  );
}

/** Saves what now stands in Slack. `revision` is the one that was drawn: if the row moved on, it is due again. */
export async function markShown(
  db: Db,
  id: number,
  shown: { revision: number; ts: string | null },
): Promise<void> {
  await db.query(
    `update messages set shown = $2, ts = coalesce($3, ts), posted_at = coalesce(posted_at, now()), failures = 0, error = null where id = $1`,
    [id, shown.revision, shown.ts],
  );
}

/** Puts a message off after an error; `giveUp` ends it (the error stays on the row). */
export async function markFailed(
  db: Db,
  id: number,
  error: ErrorRecord,
  retryInMs: number,
  giveUp: boolean,
): Promise<MessageRow> {
  const result = await db.query(
    `update messages set failures = failures + 1, error = $2, next_try = now() + $3::integer * interval '1 millisecond',
       state = case when $4::boolean then 'failed' else state end where id = $1 returning *`,
    [id, error, retryInMs, giveUp],
  );
  return camelRow(result.rows[0]!);
}
