import type { Db } from "./database.ts";
import { allRows } from "./rows.ts";
import type { CheckState } from "./types.ts";

/** Where each check of a service (or of all) stands, by name. */
export async function listCheckStates(db: Db, service?: string): Promise<CheckState[]> {
  return allRows(
    await db.query(
      "select * from check_states where $1::text is null or service = $1 order by service, name",
      [service ?? null],
    ),
  );
}

/** Writes a batch of states in one statement. */
export async function saveCheckStates(db: Db, states: CheckState[]): Promise<void> {
  if (states.length === 0) return;
  await db.query(
    `insert into check_states (service, name, state, since, reading, recent, settled, settled_since, at)
     select s->>'service', s->>'name', s->>'state', (s->>'since')::timestamptz, s->'reading',
       array(select jsonb_array_elements_text(s->'recent')), s->>'settled', (s->>'settledSince')::timestamptz, (s->>'at')::timestamptz
     from jsonb_array_elements($1::jsonb) s
     on conflict (service, name) do update set state = excluded.state, since = excluded.since, reading = excluded.reading,
       recent = excluded.recent, settled = excluded.settled, settled_since = excluded.settled_since, at = excluded.at
     where check_states.at <= excluded.at`,
    [JSON.stringify(states)],
  );
}

/** Forgets checks that are not declared any more. */
export async function forgetCheckStates(
  db: Db,
  declared: { service: string; name: string }[],
): Promise<void> {
  await db.query(
    `delete from check_states where not exists (
       select 1 from jsonb_array_elements($1::jsonb) d where d->>'service' = service and d->>'name' = name)`,
    [JSON.stringify(declared)],
  );
}
