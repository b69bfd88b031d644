import type { Config, Service } from "../config.ts";
import type { Journal } from "../journal/database.ts";
import type { Jobs } from "../journal/queue.ts";
import type { Reading } from "../journal/types.ts";
import type { Log } from "../log.ts";

/**
 * A job of the `task` queue. `dueAt` stands for a tick of the schedule, `key` for what a person asked for:
 * either makes the report one, however often the job is tried.
 */
export type TaskJob = Jobs["task"];

export interface TaskContext {
  journal: Journal;
  config: Pick<Config, "services" | "slack">;
  /** measures all checks of a service now */
  measureService(service: Service, options: { signal: AbortSignal }): Promise<Reading[]>;
  log: Log;
  now?: () => Date;
}

/** Work that reads and reports; it changes nothing. To add one: its file, and its line in index.ts. */
export interface Task {
  name: string;
  title: string;
  help: string;
  run(context: TaskContext, job: TaskJob, signal: AbortSignal): Promise<void>;
}
