/** A replica of the runbook workers on a real journal, with runbooks made for the test. */
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, parseConfig, readEnvironment, type Service } from "../../src/config.ts";
import { openJournal, transaction } from "../../src/journal/database.ts";
import { startQueue } from "../../src/journal/queue.ts";
import { loadRun } from "../../src/journal/runs.ts";
import type { Actor, Json, Reading, Run } from "../../src/journal/types.ts";
import { silentLog } from "../../src/log.ts";
import { createRedact } from "../../src/redact.ts";
import { decideApproval, requestRun } from "../../src/runbooks/requests.ts";
import { planSteps, type Runbook, type RunbookContext, type Step } from "../../src/runbooks/runbook.ts";
import { type RunbookWorkers, startRunbookWorkers } from "../../src/runbooks/supervise.ts";
import { localHost } from "../../src/targets/host.ts";
import { testDatabase } from "../servers/postgres.ts";

export const OLGA: Actor = { kind: "person", id: "U0OLGA", team: "T1" };
export const AMIR: Actor = { kind: "person", id: "U0AMIR", team: "T1" };
export const BEA: Actor = { kind: "person", id: "U0BEA", team: "T1" };
export const ADA: Actor = { kind: "person", id: "U0ADA", team: "T1" };

export interface House {
  url: string;
  folder: string;
  context: RunbookContext;
  /** what steps wrote with `effect`, one line each: judged from outside Steward */
  effects(): Promise<string[]>;
  effect(line: string): Promise<void>;
  ask(runbook: string, service?: string, args?: Record<string, string>): Promise<number>;
  approve(runId: number, actor?: Actor): Promise<Run>;
  until(runId: number, states: Run["state"][], timeoutMs?: number): Promise<Run>;
  /** a further replica on the same journal */
  replica(): Promise<{ context: RunbookContext; stop(): Promise<void> }>;
  /** stops the first replica, as at a deploy: what it carries is left in the middle */
  stopFirst(): Promise<void>;
  close(): Promise<void>;
}

export async function openHouse(
  runbooks: Runbook[],
  options: {
    services?: Record<string, Json>;
    readings?: () => Reading[];
    database?: { url: string; drop(): Promise<void> };
  } = {},
): Promise<House> {
  const database = options.database ?? (await testDatabase());
  const folder = await mkdtemp(join(tmpdir(), "steward-house-"));
  const environment = { ...readEnvironment({}), home: folder };
  const config = parseConfig(
    {
      slack: { channel: "ops", incidents: "incidents" },
      roles: {
        operator: { users: ["U0OLGA", "U0AMIR"] },
        approver: { users: ["U0AMIR", "U0BEA"] },
        admin: { users: ["U0ADA"] },
      },
      services: options.services ?? { shop: {} },
    },
    environment,
    { checks: {}, tasks: ["health"] },
  );
  const first = await openReplica(database.url, config, folder, runbooks, options.readings ?? (() => []));
  const replicas = [first];
  return {
    url: database.url,
    folder,
    context: first.context,
    effects: async () =>
      (await readFile(join(folder, "effects"), "utf8").catch(() => "")).split("\n").filter(Boolean),
    effect: (line) => appendFile(join(folder, "effects"), `${line}\n`),
    ask: (runbook, service = "shop", args = {}) =>
      transaction(first.context.journal, (tx) =>
        requestRun(first.context, tx, {
          runbook,
          service,
          args,
          actor: OLGA,
          channel: "ops",
          intentId: null,
        }),
      ),
    async approve(runId: number, actor: Actor = BEA) {
      const run = await untilState(first.context, runId, ["awaiting_approval"], 20_000);
      return await transaction(first.context.journal, (tx) =>
        decideApproval(first.context, tx, {
          runId,
          planHash: run.planHash!,
          actor,
          decision: "approve",
          reason: null,
        }),
      );
    },
    until: (runId, states, timeoutMs = 20_000) => untilState(first.context, runId, states, timeoutMs),
    async replica() {
      const another = await openReplica(
        database.url,
        config,
        folder,
        runbooks,
        options.readings ?? (() => []),
      );
      replicas.push(another);
      return another;
    },
    stopFirst: () => first.stop(),
    async close() {
      for (const replica of replicas) await replica.stop();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A runbook of given steps; `subject()` is read anew at every planning. */
export function scripted(
  name: string,
  steps: (service: Service) => (Partial<Step> & Pick<Step, "name" | "run">)[],
  subject: () => Record<string, Json> = () => ({}),
  approvals = 1,
): Runbook {
  const complete = (service: Service): Step[] =>
    steps(service).map((step) => ({
      title: step.name,
      commands: [],
      idempotent: true,
      timeoutMs: 30_000,
      ...step,
    }));
  return {
    name,
    version: 1,
    help: "made for a test",
    args: [],
    rules: () => ({
      approvals,
      expires: 3_600_000,
      good: 1,
      goodEvery: 10,
      goodWithin: 1_000,
      watch: 0,
      onCritical: "ask",
    }),
    plan: async ({ service }) => ({
      title: name,
      from: null,
      to: null,
      risk: "low",
      steps: planSteps(complete(service)),
      subject: subject(),
      context: { commits: [], migrations: [], backup: "", readings: [], undo: "", warnings: [] },
    }),
    steps: (_context, _plan, service) => complete(service),
    success: () => "done",
  };
}

async function openReplica(
  url: string,
  config: Config,
  folder: string,
  runbooks: Runbook[],
  readings: () => Reading[],
) {
  const problems: Error[] = [];
  const journal = await openJournal(url, (error) => problems.push(error));
  const queue = await startQueue(url, (error) => problems.push(error));
  const redact = createRedact(config.secrets);
  const context: RunbookContext = {
    journal,
    queue,
    config,
    log: silentLog,
    redact,
    mirrors: join(folder, "mirrors"),
    host: () => localHost({ redact }),
    measure: async () => readings(),
    asOfNow: async (actor) => actor,
    runbooks,
  };
  const workers: RunbookWorkers = await startRunbookWorkers(context);
  let stopped = false;
  return {
    context,
    async stop() {
      if (stopped) return;
      stopped = true;
      await workers.stop();
      await queue.stop(5_000);
      await journal.close();
      if (problems.length)
        throw new AggregateError(
          problems,
          `a replica met problems: ${problems.map((problem) => problem.message).join("; ")}`,
        );
    },
  };
}

/** Waits by the journal's own wake-ups; the run's state is read after each. */
async function untilState(
  context: RunbookContext,
  runId: number,
  states: Run["state"][],
  timeoutMs: number,
): Promise<Run> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const run = await loadRun(context.journal, runId);
    if (run && states.includes(run.state)) return run;
    if (Date.now() > deadline)
      throw new Error(
        `run ${runId} is ${run?.state} (${JSON.stringify(run?.error ?? run?.decision)}), not ${states.join(" or ")}`,
      );
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, 250);
      context.journal.wake.once("messages", done);
      function done() {
        clearTimeout(timer);
        context.journal.wake.off("messages", done);
        resolve();
      }
    });
  }
}
