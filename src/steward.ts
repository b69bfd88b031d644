/** The wiring: every part made once and given to those that need it. */
import { startBot } from "./bot/app.ts";
import type { Domain } from "./bot/domain.ts";
import { hostOf } from "./config/service.ts";
import { type Config, type Environment, findService, hasRole, type Service } from "./config.ts";
import { StewardError } from "./errors.ts";
import { acknowledgeIncident, recommendedRunbook, resolveIncident } from "./incidents/actions.ts";
import { followReadings } from "./incidents/follow.ts";
import { type Journal, openJournal } from "./journal/database.ts";
import { startEmbeddedPostgres } from "./journal/embedded.ts";
import { type Queue, startQueue } from "./journal/queue.ts";
import { servicesUnderRun } from "./journal/runs.ts";
import type { Log } from "./log.ts";
import type { Redact } from "./redact.ts";
import { chooseAlternative } from "./runbooks/alternatives.ts";
import { breakGlass, reviewRun } from "./runbooks/break-glass.ts";
import { cancelRun, decideApproval, decideStuck, knownRunbooks, requestRun } from "./runbooks/requests.ts";
import type { Runbook, RunbookContext } from "./runbooks/runbook.ts";
import { startRunbookWorkers } from "./runbooks/supervise.ts";
import { openHosts } from "./targets/hosts.ts";
import { measureCheck, measureService } from "./tasks/checks/measure.ts";
import { taskWorker } from "./tasks/index.ts";
import { createMetrics } from "./tasks/metrics.ts";
import { requestReport } from "./tasks/report.ts";
import { startScheduler } from "./tasks/scheduler.ts";
import { serveMetrics } from "./tasks/serve-metrics.ts";
import { nextTick } from "./tasks/ticks.ts";
import { startWatch } from "./tasks/watch.ts";

const REPORT_WORKERS = 2;
const GRACE_MS = 8_000;

export interface Steward {
  /** Lets what runs come to rest and hands the rest over. */
  stop(): Promise<void>;
}

/** Starts everything in order; what was started is stopped again when a later part cannot. */
export async function startSteward(
  environment: Environment,
  config: Config,
  runbooks: readonly Runbook[],
  log: Log,
  redact: Redact,
): Promise<Steward> {
  const { botToken, appToken, apiUrl } = environment.slack;
  if (!botToken || !appToken) {
    const missing = [botToken ? "" : "SLACK_BOT_TOKEN", appToken ? "" : "SLACK_APP_TOKEN"]
      .filter(Boolean)
      .join(" and ");
    throw new StewardError("slack_auth", `${missing} not set`, {
      hint: "README.md says where Slack shows the tokens.",
    });
  }
  const endings: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of endings.splice(0).reverse())
      await end().catch((error: Error) => log.error({ err: error }, "could not be stopped cleanly"));
  };
  try {
    const url = environment.databaseUrl ?? (await ownDatabase(environment, log, endings));
    const onError = (error: Error) => log.warn({ err: error }, "journal connection");
    const journal = await openJournal(url, onError);
    endings.push(() => journal.close());
    const queue = await startQueue(url, onError);
    endings.push(() => queue.stop(GRACE_MS));

    const hosts = openHosts({ redact, environment: environment.variables });
    endings.push(() => hosts.close());
    const measuring = { hostOf: (service: Service) => hosts.of(service.host) };
    const runbookContext: RunbookContext = {
      journal,
      queue,
      config,
      log,
      redact,
      mirrors: `${environment.home}/mirrors`,
      host: (service, lane) => (service ? hosts.of(hostOf(service, lane)) : hosts.here),
      measure: (service, only) => measureService(service, measuring, only ? { only } : {}),
      asOfNow: (actor) => bot.asOfNow(actor),
      runbooks,
    };
    const metrics = createMetrics();
    const server = await serveMetrics({
      port: environment.port,
      registry: metrics.registry,
      alive: () => isAlive(journal),
    });
    endings.push(() => server.stop());

    const bot = await startBot({
      slack: { botToken, appToken, ...(apiUrl ? { apiUrl } : {}) },
      journal,
      config,
      domain: domainOf(runbookContext, queue),
      log,
      redact,
    });
    endings.push(() => bot.stop());
    await queue.work(
      "task",
      REPORT_WORKERS,
      taskWorker({
        journal,
        config,
        log,
        measureService: (service, { signal }) => measureService(service, measuring, { signal }),
      }),
    );
    const workers = await startRunbookWorkers(runbookContext);
    endings.push(() => workers.stop());
    const scheduler = await startScheduler({ journal, queue, config, log });
    endings.push(() => scheduler.stop());
    const watch = startWatch({
      journal,
      config,
      log,
      metrics,
      measure: (planned, signal) => measureCheck(planned, measuring, signal),
      follow: (tx, service, states) => followReadings({ config }, tx, service, states),
      underRun: async (service, tx) => (await servicesUnderRun(tx)).has(service),
    });
    endings.push(() => watch.stop());
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the bot may ask of the house. */
function domainOf(context: RunbookContext, queue: Queue): Domain {
  const { config } = context;
  return {
    findService: (typed): Service => findService(config, typed),
    hasRole: (actor, role) => hasRole(config.roles, actor, role),
    knownRunbooks: () =>
      knownRunbooks(context).map(({ name, help, args }) => ({ name, help, args: [...args] })),
    nextTicks: () =>
      Object.entries(config.schedules)
        .flatMap(([task, schedule]) =>
          schedule ? [{ task, at: nextTick(schedule.at, schedule.zone, new Date()) }] : [],
        )
        .sort((a, b) => a.at.getTime() - b.at.getTime()),
    requestReport: (tx, request) => requestReport(queue, tx, request),
    requestRun: (tx, request) => requestRun(context, tx, request),
    decideApproval: (tx, request) => decideApproval(context, tx, request),
    breakGlass: (tx, request) => breakGlass(context, tx, request),
    reviewRun: (tx, request) => reviewRun(context, tx, request),
    chooseAlternative: (tx, request) => chooseAlternative(context, tx, request),
    decideStuck: (tx, request) => decideStuck(context, tx, request),
    cancelRun: (tx, request) => cancelRun(context, tx, request),
    acknowledgeIncident: (tx, request) => acknowledgeIncident(context, tx, request),
    resolveIncident: (tx, request) => resolveIncident(context, tx, request),
    recommendedRunbook: (db, incident) => recommendedRunbook(context, db, incident),
  };
}

async function ownDatabase(
  environment: Environment,
  log: Log,
  endings: (() => Promise<void>)[],
): Promise<string> {
  const postgres = await startEmbeddedPostgres({ home: environment.home, log: (line) => log.info(line) });
  endings.push(() => postgres.stop());
  await postgres.ensureDatabase("steward", "steward");
  return postgres.url("steward", "steward");
}

async function isAlive(journal: Journal): Promise<boolean> {
  try {
    await journal.query("select 1");
    return true;
  } catch {
    return false;
  }
}
