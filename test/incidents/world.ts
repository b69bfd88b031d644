/** A service with checks whose states are told, and what two replicas make of them. */
import type { Config, Service } from "../../src/config.ts";
import { followReadings } from "../../src/incidents/follow.ts";
import { type Journal, transaction } from "../../src/journal/database.ts";
import { listIncidents } from "../../src/journal/incidents.ts";
import type { CheckState, Incident, MessageRow, ReadingState } from "../../src/journal/types.ts";
import { openTestJournal, type TestJournal } from "../journal/world.ts";
import { configOf } from "../tasks/world.ts";

export interface Watched extends TestJournal {
  config: Config;
  service: Service;
  /** what the checks have settled at; one that is left out is not declared any more */
  follow(states: Record<string, ReadingState>, by?: Journal, service?: Service): Promise<void>;
  incidents(): Promise<Incident[]>;
  /** messages of incidents, oldest first */
  roots(): Promise<MessageRow[]>;
  /** texts of the notes in a thread */
  notes(): Promise<string[]>;
  /** starts from nothing */
  clear(): Promise<void>;
}

export async function openWatched(declaration: Record<string, unknown> = {}): Promise<Watched> {
  const world = await openTestJournal();
  const config = configOf(
    { shop: declaration },
    { roles: { operator: { users: ["U0OLGA"] }, approver: { users: ["U0BEA"] } } },
  );
  const service = config.services[0]!;
  /** since when each check has been at what it is */
  const since = new Map<string, { settled: ReadingState; at: Date }>();
  const rows = async (sql: string) => (await world.journal.query(sql)).rows;
  return {
    ...world,
    config,
    service,
    follow: (states, by = world.journal, whose = service) =>
      transaction(by, (tx) =>
        followReadings(
          { config },
          tx,
          whose,
          Object.entries(states).map(([name, settled]) => {
            const before = since.get(name);
            const at = before?.settled === settled ? before.at : new Date();
            since.set(name, { settled, at });
            return stateOf(whose.id, name, settled, at);
          }),
        ),
      ),
    incidents: () => listIncidents(world.journal, { open: false }),
    roots: () =>
      rows("select *, channel from messages where subject_kind = 'incident' order by id") as Promise<
        MessageRow[]
      >,
    notes: async () =>
      (await rows("select data->>'text' as text from notices order by id")).map((row) => String(row.text)),
    clear: async () => {
      since.clear();
      await world.journal.query(
        "truncate incidents, incident_members, messages, notices, events, releases cascade",
      );
    },
  };
}

function stateOf(service: string, name: string, settled: ReadingState, settledSince: Date): CheckState {
  const at = new Date();
  const summary = `${name} is ${settled}`;
  const reading = {
    service,
    check: name,
    type: "http",
    component: "application" as const,
    state: settled,
    summary,
    value: null,
    unit: "",
    at: at.toISOString(),
    durationMs: 1,
  };
  return {
    service,
    name,
    state: settled,
    since: at,
    reading,
    recent: [settled],
    settled,
    settledSince,
    at,
  };
}
