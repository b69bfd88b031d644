import { PgBoss } from "pg-boss";
import type { Db } from "./database.ts";

/**
 * The queues. `plan` works a plan out, `run` carries a run, `task` makes a report.
 * A job holds ids only: what is to be done stands in the journal.
 */
export interface Jobs {
  plan: { runId: number };
  run: { runId: number };
  task: {
    task: string;
    service: string | null;
    channel: string;
    requestedBy: string | null;
    dueAt: string | null;
    /** what a person asked for, so that one question has one answer */
    key?: string | null;
  };
}
export type QueueName = keyof Jobs;

export interface Queue {
  /** Enqueues inside the caller's transaction: the job is there if and only if the transaction commits. */
  send<Name extends QueueName>(
    tx: Db,
    name: Name,
    data: Jobs[Name],
    options?: { key?: string; startAfter?: Date },
  ): Promise<void>;
  /**
   * Works a queue, `concurrency` jobs at a time. `signal` is aborted when the claim is lost or the queue
   * stops. A handler that throws has its job tried again: handlers journal their failures themselves.
   */
  work<Name extends QueueName>(
    name: Name,
    concurrency: number,
    handler: (data: Jobs[Name], signal: AbortSignal) => Promise<void>,
  ): Promise<void>;
  /** Stops taking jobs; running handlers get `graceMs` before their claim is left to the heartbeat. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Settings as measured for takeover within 15 s (pg-boss's own defaults need 57 s): a heartbeat of 10 s
 * that is looked at every second, and a retry limit that is never reached.
 */
const QUEUE_OPTIONS = {
  notify: true,
  heartbeatSeconds: 10,
  expireInSeconds: 86_400,
  retryLimit: 100_000,
  retryDelay: 1,
  deleteAfterSeconds: 86_400,
};
/** `exclusive` keeps one job a key, queued or active: sending a run's job again is harmless. */
const POLICIES: Record<QueueName, string> = { plan: "exclusive", run: "exclusive", task: "standard" };

/** Thrown by a handler that gives its job back on purpose: another replica takes it, and nobody needs to be told. */
export class HandedOver extends Error {}

export async function startQueue(url: string, onError: (error: Error) => void): Promise<Queue> {
  const boss = new PgBoss({
    connectionString: url,
    schema: "steward_queue",
    max: 6,
    useListenNotify: true,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    schedule: false,
    registerInstance: false,
    application_name: "steward queue",
  });
  boss.on("error", onError);
  await boss.start();
  for (const [name, policy] of Object.entries(POLICIES)) {
    if (await boss.getQueue(name)) await boss.updateQueue(name, QUEUE_OPTIONS);
    else await boss.createQueue(name, { policy, ...QUEUE_OPTIONS });
  }
  return {
    async send(tx, name, data, options = {}) {
      const db = { executeSql: async (text: string, values?: unknown[]) => await tx.query(text, values) };
      await boss.send(name, data, {
        db,
        ...(options.key ? { singletonKey: options.key } : {}),
        ...(options.startAfter ? { startAfter: options.startAfter } : {}),
      });
    },
    async work<Name extends QueueName>(
      name: Name,
      concurrency: number,
      handler: (data: Jobs[Name], signal: AbortSignal) => Promise<void>,
    ) {
      await boss.work<Jobs[Name]>(
        name,
        {
          batchSize: 1,
          localConcurrency: concurrency,
          pollingIntervalSeconds: 1,
          notifyPollingIntervalSeconds: 2,
        },
        async ([job]) => {
          if (!job) return;
          try {
            await handler(job.data, job.signal);
          } catch (error) {
            // pg-boss keeps the error on the job and tries again; somebody has to be told as well
            if (!job.signal.aborted && !(error instanceof HandedOver)) onError(error as Error);
            throw error;
          }
        },
      );
    },
    async stop(graceMs) {
      await boss.stop({ graceful: true, timeout: graceMs, close: true });
    },
  };
}
