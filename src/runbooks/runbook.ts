import type { Config, RunbookRules, Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import type { Db, Journal } from "../journal/database.ts";
import type { Queue } from "../journal/queue.ts";
import type { Actor, Json, Plan, PlannedStep, Reading, Run } from "../journal/types.ts";
import type { Log } from "../log.ts";
import type { Redact } from "../redact.ts";
import type { Host } from "../targets/host.ts";

/** All that the runbooks work with; made once by main. */
export interface RunbookContext {
  journal: Journal;
  queue: Queue;
  config: Config;
  log: Log;
  redact: Redact;
  /** folder for Steward's own mirrors of the services' repositories */
  mirrors: string;
  /** where the service runs, or a host of its fleet by name; without a service, Steward's own machine */
  host(service?: Service, lane?: string): Host;
  /** measures the service's checks now; `types` narrows it to some of them */
  measure(service: Service, types?: readonly string[]): Promise<Reading[]>;
  /** the person with the groups they are in now, and as a guest where they were let go; as they were where nobody can say */
  asOfNow(actor: Actor): Promise<Actor>;
  runbooks: readonly Runbook[];
}

export interface RunbookArgument {
  name: string;
  required: boolean;
  help: string;
  /** what it may look like, the whole of it; without one a version: letters, digits and . _ + - */
  pattern?: RegExp;
  /** the pattern in words, for who typed something else */
  allowed?: string;
  /** given by name alone, `--database keep`, never by its place */
  named?: boolean;
}

/** A runbook is data plus two functions. Adding one: a file of its own, and a line in index.ts. */
export interface Runbook {
  name: string;
  /** grows whenever its steps change what they do: part of the plan's hash */
  version: number;
  help: string;
  args: readonly RunbookArgument[];
  rules(service: Service): RunbookRules;
  /** planned work: freezes, windows and open incidents hold it back */
  planned?: boolean;
  /** a way out of trouble: it offers to settle a stuck run of the service first */
  cure?: boolean;
  /** Works out what a run would do, changing nothing. Throws StewardErrors that say why it cannot be done. */
  plan(input: PlanInput): Promise<Omit<Plan, "runbook" | "runbookVersion" | "service">>;
  /** The steps of a plan, in order. Pure: after a crash they are rebuilt from the journal's plan. */
  steps(context: RunbookContext, plan: Pick<Plan, "from" | "to" | "subject">, service: Service): Step[];
  /** What a success means, in one sentence: `shop runs 1.1.0`. */
  success(plan: Plan): string;
  /** codes of failures after which the same is planned anew, as when what it was planned for has moved */
  plansAgainAfter?: readonly string[];
  /** What is asked for when a run has succeeded, on behalf of who asked for that run. */
  next?(plan: Plan): { runbook: string; service: string; args: Record<string, string> } | null;
}

export interface PlanInput {
  context: RunbookContext;
  service: Service;
  args: Record<string, string>;
}

/** One step. What it does more than once is harmless only if it says so (`idempotent`). */
export interface Step extends PlannedStep {
  timeoutMs: number;
  /** what may stay in force when people leave the run as it is, and how to clear it up */
  leaves?: string;
  run(deed: Deed): Promise<void>;
  /** takes back what `run` did; also called when `run` failed halfway */
  takeBack?(deed: Deed): Promise<void>;
  /** after an interruption: was it done already? Only for steps that are not idempotent. */
  probe?(deed: Deed): Promise<boolean>;
}

/** What a step has at hand while it acts. */
export interface Deed {
  context: RunbookContext;
  service: Service;
  plan: Plan;
  run: Run;
  db: Db;
  signal: AbortSignal;
  /**
   * Runs a command of the plan on the service's host, or with `here` on Steward's own machine; its output is streamed
   * into the attempt. Throws `command_failed`.
   */
  command(
    command: readonly string[],
    options?: { cwd?: string; env?: Record<string, string>; timeoutMs?: number; here?: boolean },
  ): Promise<void>;
  /** Adds a line to the attempt's output. */
  say(line: string): void;
  /** Leaves something for later steps; kept with the outcome. */
  remember(facts: Record<string, Json>): void;
  /** What earlier steps left. */
  recall(name: string): Json | undefined;
}

/** Thrown by a step that cannot decide for itself: the run then waits for a person. */
export class NeedsDecision extends StewardError {}

/** What the plan keeps of its steps: what is shown and hashed. */
export function planSteps(steps: readonly Step[]): PlannedStep[] {
  return steps.map(({ name, title, commands, undo, idempotent, lane, batch }) => ({
    name,
    title,
    commands,
    ...(undo ? { undo } : {}),
    idempotent,
    ...(lane === undefined ? {} : { lane }),
    ...(batch === undefined ? {} : { batch }),
  }));
}
