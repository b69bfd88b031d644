import type { Db } from "./database.ts";
import { allRows, firstRow } from "./rows.ts";
import type { Actor, Incident, IncidentMember, Reading, ReadingState } from "./types.ts";

/**
 * Opens the incident of a service and cause, or finds the open one: the unique index lets only one in.
 * `created` tells which. A resolved one of the last `reopenWithinMs` is opened again, with its count.
 */
export async function claimIncident(
  tx: Db,
  incident: { service: string; cause: string; title: string; observed: boolean; reopenWithinMs: number },
): Promise<{ incident: Incident; created: "new" | "reopened" | false }> {
  const { service, cause, title, observed, reopenWithinMs } = incident;
  // one claimer a service at a time: two replicas must not both reopen and open
  await tx.query("select pg_advisory_xact_lock(hashtext('incident'), hashtext($1))", [service]);
  const open = await findOpenIncident(tx, service, cause);
  if (open) return { incident: open, created: false };
  const reopened = await tx.query(
    `update incidents set state = 'open', since = now(), occurrences = occurrences + 1, revision = revision + 1, title = $4, observed = $5,
       acknowledged_by = null, acknowledged_at = null, resolved_by = null, resolved_at = null, resolution = null
     where id = (select id from incidents where service = $1 and cause = $2 and state = 'resolved'
       and resolved_at > now() - $3 * interval '1 millisecond' order by id desc limit 1) returning *`,
    [service, cause, reopenWithinMs, title, observed],
  );
  const again = firstRow<Incident>(reopened);
  if (again) return { incident: again, created: "reopened" };
  const inserted = await tx.query(
    "insert into incidents (service, cause, title, observed) values ($1, $2, $3, $4) returning *",
    [service, cause, title, observed],
  );
  return { incident: firstRow<Incident>(inserted)!, created: "new" };
}

export async function findOpenIncident(
  db: Db,
  service: string,
  cause: string,
): Promise<Incident | undefined> {
  return firstRow(
    await db.query("select * from incidents where service = $1 and cause = $2 and state <> 'resolved'", [
      service,
      cause,
    ]),
  );
}

/** When a person closed the newest incident of a service and cause; undefined when the checks did, or nobody yet. */
export async function closedByHandAt(db: Db, service: string, cause: string): Promise<Date | undefined> {
  const result = await db.query<{ at: Date | null }>(
    `select case when state = 'resolved' and resolved_by->>'kind' = 'person' then resolved_at end as at
       from incidents where service = $1 and cause = $2 order by id desc limit 1`,
    [service, cause],
  );
  return result.rows[0]?.at ?? undefined;
}

export async function loadIncident(db: Db, id: number): Promise<Incident | undefined> {
  return firstRow(await db.query("select * from incidents where id = $1", [id]));
}

export async function listIncidents(
  db: Db,
  filter: { open: boolean; service?: string; limit?: number },
): Promise<Incident[]> {
  return allRows(
    await db.query(
      "select * from incidents where (not $1 or state <> 'resolved') and ($2::text is null or service = $2) order by (state = 'resolved'), id desc limit $3",
      [filter.open, filter.service ?? null, filter.limit ?? 20],
    ),
  );
}

/** Incidents of services in observe mode that were going on in the last `hours`: what would have paged. */
export async function listObserved(db: Db, service: string | null, hours: number): Promise<Incident[]> {
  return allRows(
    await db.query(
      `select * from incidents where observed and ($1::text is null or service = $1)
         and (state <> 'resolved' or resolved_at > now() - $2 * interval '1 hour') order by id desc limit 50`,
      [service, hours],
    ),
  );
}

/** The service has left observe mode while its incident is open: from now on it is one like any other. */
export async function stopObserving(tx: Db, id: number): Promise<void> {
  await tx.query(
    "update incidents set observed = false, since = now(), revision = revision + 1 where id = $1",
    [id],
  );
}

export async function listMembers(db: Db, incidentId: number): Promise<IncidentMember[]> {
  return allRows(
    await db.query("select * from incident_members where incident_id = $1 order by since, check_name", [
      incidentId,
    ]),
  );
}

/** Writes what a member check reads now. True when its state changed. */
export async function saveMember(
  tx: Db,
  incidentId: number,
  reading: Reading,
  settled: ReadingState,
): Promise<boolean> {
  const result = await tx.query(
    `with before as (select state from incident_members where incident_id = $1 and check_name = $2)
     insert into incident_members (incident_id, check_name, state, reading, since) values ($1, $2, $3, $4, now())
     on conflict (incident_id, check_name) do update set reading = excluded.reading, updated_at = now(), state = excluded.state,
       since = case when incident_members.state = excluded.state then incident_members.since else now() end
     returning coalesce((select state from before) is distinct from $3, true) as changed`,
    [incidentId, reading.check, settled, reading],
  );
  return result.rows[0]?.changed === true;
}

/** Open → acknowledged. Undefined when it was not open any more. */
export async function acknowledge(tx: Db, id: number, actor: Actor): Promise<Incident | undefined> {
  return firstRow(
    await tx.query(
      "update incidents set state = 'acknowledged', acknowledged_by = $2, acknowledged_at = now(), revision = revision + 1 where id = $1 and state = 'open' returning *",
      [id, actor],
    ),
  );
}

/** Any open state → resolved. Undefined when it was resolved already. */
export async function resolve(
  tx: Db,
  id: number,
  actor: Actor,
  resolution: string,
): Promise<Incident | undefined> {
  return firstRow(
    await tx.query(
      `update incidents set state = 'resolved', resolved_by = $2, resolved_at = now(), resolution = $3, revision = revision + 1
       where id = $1 and state <> 'resolved' returning *`,
      [id, actor, resolution],
    ),
  );
}

/** Counts a change that the incident's message should show. */
export async function touchIncident(tx: Db, id: number): Promise<void> {
  await tx.query("update incidents set revision = revision + 1 where id = $1", [id]);
}
