import type { Db } from "../journal/database.ts";
import { claimTick } from "../journal/ledger.ts";
import type { Queue } from "../journal/queue.ts";
import type { TaskJob } from "./task.ts";

/**
 * Asks for a report in the caller's transaction. `intentId` is what it answers: with it the report is posted
 * once, however often the job is tried.
 */
export async function requestReport(
  queue: Queue,
  tx: Db,
  request: { task: string; service: string | null; channel: string; requestedBy: string; intentId: number },
): Promise<void> {
  const { task, service, channel, requestedBy, intentId } = request;
  const job: TaskJob = { task, service, channel, requestedBy, dueAt: null, key: `intent:${intentId}` };
  await queue.send(tx, "task", job);
}

/**
 * True for the first who claims the job's report; say it in the same transaction. The ledger holds the
 * claims: by due time for a tick, by key for a request.
 */
export async function claimReport(tx: Db, job: TaskJob, holder: string): Promise<boolean> {
  if (job.dueAt !== null)
    return await claimTick(
      tx,
      `report:${job.task}:${job.channel}:${job.service ?? ""}`,
      new Date(job.dueAt),
      holder,
    );
  if (!job.key) return true;
  return await claimTick(tx, `report:${job.task}:${job.key}`, new Date(0), holder);
}
