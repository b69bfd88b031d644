import { errorRecord, StewardError } from "../errors.ts";
import { transaction, whileAway } from "../journal/database.ts";
import { say } from "../journal/messages.ts";
import { health } from "./health.ts";
import { claimReport } from "./report.ts";
import type { Task, TaskContext, TaskJob } from "./task.ts";

/** Every task. To add one: its file, and its line here. */
const own: readonly Task[] = [health];
/** A team's own, from its plugins; added once, before the config is read. */
const added: Task[] = [];

export function addTasks(tasks: readonly Task[]): void {
  added.push(...tasks);
}

/** The tasks' names, for the config's schema. */
export function taskNames(): readonly string[] {
  return [...own, ...added].map((task) => task.name);
}

/**
 * The handler of the `task` queue. Waits while the journal is away; a task that fails says so in its channel,
 * as it would fail the same way at every further try.
 */
export function taskWorker(context: TaskContext): (job: TaskJob, signal: AbortSignal) => Promise<void> {
  return async (job, signal) => {
    try {
      await whileAway(() => findTask(job.task).run(context, job, signal), signal);
    } catch (error) {
      // broken off by the queue: another worker does it
      if (signal.aborted) throw error;
      context.log.error({ err: error, task: job.task }, "a task failed");
      await whileAway(() => sayFailure(context, job, error), signal);
    }
  };
}

function findTask(name: string): Task {
  const task = [...own, ...added].find((one) => one.name === name);
  if (!task)
    throw new StewardError("unknown_task", `Unknown task '${name}'; known: ${taskNames().join(", ")}`);
  return task;
}

async function sayFailure(context: TaskContext, job: TaskJob, error: unknown): Promise<void> {
  await transaction(context.journal, async (tx) => {
    if (!(await claimReport(tx, job, context.journal.holder))) return;
    const text = `The ${job.task} report could not be made: ${errorRecord(error).message}`;
    await say(tx, "note", { mark: "bad", text }, { channel: job.channel });
  });
}
