import type { Service } from "../config.ts";
import { type Db, transaction } from "../journal/database.ts";
import { listIncidents, listObserved } from "../journal/incidents.ts";
import { say } from "../journal/messages.ts";
import type { Json, Reading } from "../journal/types.ts";
import { claimReport } from "./report.ts";
import { worstOf } from "./settle.ts";
import type { Task, TaskContext } from "./task.ts";

/** How far back a report looks for what would have paged: a day, as reports are read daily. */
const OBSERVED_HOURS = 24;

/**
 * Measures everything now and says how it stands: notice `health` with
 * `{at, service, scheduled, requestedBy, services: [{id, observe, state, readings}], openIncidents,
 * wouldHavePaged: [{service, title, occurrences}]}`; the last is about services in observe mode.
 */
export const health: Task = {
  name: "health",
  title: "Health report",
  help: "Measures all checks of the services now and reports them, worst first.",
  async run(context, job, signal) {
    const chosen = context.config.services.filter(
      (service) => job.service === null || service.id === job.service,
    );
    const services = await Promise.all(chosen.map((service) => report(context, service, signal)));
    // broken off: what was measured says nothing, the next try does it anew
    signal.throwIfAborted();
    await transaction(context.journal, async (tx) => {
      if (!(await claimReport(tx, job, context.journal.holder))) return;
      const data = {
        at: (context.now?.() ?? new Date()).toISOString(),
        service: job.service,
        scheduled: job.dueAt !== null,
        requestedBy: job.requestedBy,
        services,
        openIncidents: await openIncidents(tx, job.service),
        wouldHavePaged: (await listObserved(tx, job.service, OBSERVED_HOURS)).map(
          ({ service, title, occurrences }) => ({ service, title, occurrences }),
        ),
      };
      await say(tx, "health", data, { channel: job.channel });
    });
  },
};

async function report(
  context: TaskContext,
  service: Service,
  signal: AbortSignal,
): Promise<{ [key: string]: Json }> {
  const readings = await context.measureService(service, { signal });
  return {
    id: service.id,
    observe: service.observe,
    state: worstOf(readings.map((reading) => reading.state)),
    readings: readings.map(shown),
  };
}

function shown({ check, type, component, state, summary, value, unit }: Reading): Json {
  return { check, type, component, state, summary, value, unit };
}

async function openIncidents(tx: Db, service: string | null): Promise<Json[]> {
  const incidents = await listIncidents(tx, {
    open: true,
    ...(service === null ? {} : { service }),
    limit: 50,
  });
  return incidents
    .filter((incident) => !incident.observed)
    .map(({ id, service: of, title, state }) => ({ id, service: of, title, state }));
}
