/**
 * The time after a release: a critical check of the service asks for the way back, and what came through goes on
 * to the environment that waits for it. What is decided here is a request for a run like any other.
 */
import type { Service } from "../config.ts";
import { errorRecord } from "../errors.ts";
import { type Db, transaction } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { findOpenIncident } from "../journal/incidents.ts";
import { redrawMessages, say } from "../journal/messages.ts";
import { listCheckStates } from "../journal/readings.ts";
import { endWatch, watchedReleases } from "../journal/releases.ts";
import { loadRun } from "../journal/runs.ts";
import type { Actor, Release } from "../journal/types.ts";
import { requestRun } from "./requests.ts";
import type { RunbookContext } from "./runbook.ts";

const WATCH: Actor = { kind: "system", id: "watch" };

/** Looks at every release that is watched; a sweep of each replica, of which one goes on per release. */
export async function watchReleases(context: RunbookContext): Promise<void> {
  for (const release of await watchedReleases(context.journal)) {
    const service = context.config.services.find(({ id }) => id === release.service);
    if (!service) continue;
    const critical = (await listCheckStates(context.journal, service.id)).filter(
      (state) => state.settled === "critical",
    );
    const turned = critical.find((state) => state.settledSince > release.at);
    const over = release.watchUntil !== null && release.watchUntil <= new Date();
    if (turned) {
      await transaction(context.journal, (tx) =>
        goBack(context, tx, service, release, turned.reading.summary),
      );
    } else if (over) {
      await transaction(context.journal, (tx) =>
        critical[0]
          ? stayBehind(context, tx, service, release, critical[0].reading.summary)
          : goOn(context, tx, service, release),
      );
    }
  }
}

async function goBack(
  context: RunbookContext,
  tx: Db,
  service: Service,
  release: Release,
  summary: string,
): Promise<void> {
  if (!(await endWatch(tx, release.id, "bad", { summary }))) return;
  await note(context, tx, service, release, {
    kind: "watch_bad",
    mark: "bad",
    text: `${service.id} turned critical while ${release.version} was watched: ${summary}`,
  });
  const incident = await findOpenIncident(tx, service.id, "service");
  await ask(context, tx, service, {
    runbook: "rollback",
    args: {},
    actor: WATCH,
    ...(release.runId === null ? {} : { follows: release.runId }),
    ...(incident && !incident.observed ? { incident } : {}),
  });
}

/** What was critical before the release and still is says nothing against it, and nothing for it. */
async function stayBehind(
  context: RunbookContext,
  tx: Db,
  service: Service,
  release: Release,
  summary: string,
): Promise<void> {
  if (!(await endWatch(tx, release.id, "bad", { summary, before: true }))) return;
  await note(context, tx, service, release, {
    kind: "watch_bad",
    mark: "bad",
    text: `${release.version} on ${service.id} could not show that it is well: since before it, ${summary}`,
  });
}

async function goOn(context: RunbookContext, tx: Db, service: Service, release: Release): Promise<void> {
  if (!(await endWatch(tx, release.id, "good", {}))) return;
  await note(context, tx, service, release, {
    kind: "watch_good",
    mark: "good",
    text: `${release.version} came through its watch on ${service.id}`,
  });
  const run = release.runId === null ? undefined : await loadRun(tx, release.runId);
  if (run?.runbook !== "update") return;
  for (const next of context.config.services) {
    if (next.name !== service.name || next.after !== service.environmentName || next.observe) continue;
    await ask(context, tx, next, {
      runbook: "update",
      args: { version: release.version },
      // who asked for the one asks for the other, and approves neither
      actor: run.requestedBy,
      follows: run.id,
    });
  }
}

async function ask(
  context: RunbookContext,
  tx: Db,
  service: Service,
  request: {
    runbook: string;
    args: Record<string, string>;
    actor: Actor;
    follows?: number;
    incident?: { id: number };
  },
): Promise<void> {
  const channel = service.channel ?? context.config.slack.channel;
  await tx.query("savepoint ask");
  try {
    await requestRun(context, tx, { ...request, service: service.id, channel, intentId: null });
  } catch (error) {
    await tx.query("rollback to savepoint ask");
    const { code, message } = errorRecord(error);
    if (code === "internal") throw error;
    await say(
      tx,
      "note",
      { mark: "bad", text: `${request.runbook} of ${service.id} could not be asked for: ${message}` },
      { channel, urgent: true },
    );
  }
}

/** In the story of the run that released it, and where the service's runs are seen. */
async function note(
  context: RunbookContext,
  tx: Db,
  service: Service,
  release: Release,
  said: { kind: string; mark: string; text: string },
): Promise<void> {
  if (release.runId !== null) {
    await appendEvent(tx, { kind: "run", id: release.runId }, said.kind, { data: { text: said.text } });
    await redrawMessages(tx, "run", release.runId);
  }
  if (said.mark !== "bad") return;
  const channel = service.incidents ?? context.config.slack.incidents;
  await say(tx, "note", { mark: said.mark, text: said.text }, { channel, urgent: true });
}
