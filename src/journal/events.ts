import type { Db } from "./database.ts";
import { allRows } from "./rows.ts";
import type { Actor, Json, StoryEvent, SubjectKind } from "./types.ts";

/** Appends a line to the story. Call it in the transaction that makes the line true. */
export async function appendEvent(
  tx: Db,
  subject: { kind: SubjectKind | "config" | "schedule"; id: number },
  kind: string,
  details: { actor?: Actor | null; data?: { [key: string]: Json } } = {},
): Promise<void> {
  await tx.query(
    "insert into events (subject_kind, subject_id, kind, actor, data) values ($1, $2, $3, $4, $5)",
    [subject.kind, subject.id, kind, details.actor ?? null, details.data ?? {}],
  );
}

/** The whole story of one subject, oldest first. */
export async function listEvents(db: Db, subject: { kind: string; id: number }): Promise<StoryEvent[]> {
  return allRows(
    await db.query("select * from events where subject_kind = $1 and subject_id = $2 order by id", [
      subject.kind,
      subject.id,
    ]),
  );
}
