/** One attempt at one step: intent written, process journaled before it acts, outcome written. */
import type { Service } from "../config.ts";
import { errorRecord, StewardError } from "../errors.ts";
import {
  type AttemptEnd,
  beginAttempt,
  endAttempt,
  recordOutput,
  recordProcess,
} from "../journal/attempts.ts";
import { isAway, transaction, whileAway } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { redrawMessages } from "../journal/messages.ts";
import { moveRun } from "../journal/runs.ts";
import type { Attempt, Json, Run } from "../journal/types.ts";
import { type Deed, NeedsDecision, type RunbookContext, type Step } from "./runbook.ts";

export interface AttemptInput {
  run: Run;
  service: Service;
  step: Step;
  position: number;
  direction: Attempt["direction"];
  signal: AbortSignal;
}

/** Bytes of output that one attempt keeps; the middle is left out. */
const OUTPUT_LIMIT = 256 * 1024;
const OUTPUT_EVERY_MS = 1_000;
/** a command gets 5 s between SIGTERM and SIGKILL, and a moment to be gone; over SSH that takes some asking */
const ENDING_MS = 12_000;

/** What a step came to, not written down yet. */
export interface Done {
  output: string;
  facts: Record<string, Json>;
  failure: StewardError | undefined;
}

/**
 * Does what the open attempt says. Throws when the claim was lost or the replica is stopping: then the attempt
 * stays open, for the next holder.
 */
export async function doStep(context: RunbookContext, input: AttemptInput, attempt: Attempt): Promise<Done> {
  const { step, direction, signal } = input;
  const output = new Transcript();
  const facts: Record<string, Json> = {};
  const stepSignal = AbortSignal.any([signal, AbortSignal.timeout(step.timeoutMs)]);
  const deed = createDeed(context, input, attempt, output, facts, stepSignal);
  const flush = setInterval(() => void flushOutput(context, attempt, output), OUTPUT_EVERY_MS);
  let failure: StewardError | undefined;
  try {
    await raceAbort(direction === "do" ? step.run(deed) : step.takeBack!(deed), stepSignal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StewardError && error.code === "claim_lost") throw error;
    failure = asFailure(context, error, step, stepSignal);
    output.add(`${failure.message}\n`);
  } finally {
    clearInterval(flush);
  }
  return { output: output.text(), facts, failure };
}

/**
 * Tries a step once by itself: intent, deed, outcome. Undefined when it was done; otherwise why not. The run stays
 * in its state whatever comes of it.
 */
export async function attemptStep(
  context: RunbookContext,
  input: AttemptInput,
): Promise<StewardError | undefined> {
  const { run, step, position, direction, signal } = input;
  const attempt = await whileAway(
    () =>
      transaction(context.journal, async (tx) => {
        const begun = await beginAttempt(tx, {
          runId: run.id,
          step: step.name,
          position,
          direction,
          token: run.token,
          holder: context.journal.holder,
        });
        await redrawMessages(tx, "run", run.id);
        return begun;
      }),
    signal,
  );
  const done = await doStep(context, input, attempt);
  await whileAway(
    () =>
      transaction(context.journal, async (tx) => {
        await endAttempt(tx, attempt, endOf(done, input));
        await redrawMessages(tx, "run", run.id);
      }),
    signal,
  );
  return done.failure;
}

/**
 * Writes the outcome of a failed attempt. A failure on the way forward moves the run to undoing in the same
 * transaction, so no crash lies between them; one that a person has to decide about does not.
 */
export async function settleFailure(
  context: RunbookContext,
  input: AttemptInput,
  attempt: Attempt,
  done: Done,
): Promise<void> {
  const { run, step } = input;
  const error = errorRecord(done.failure);
  await transaction(context.journal, async (tx) => {
    await endAttempt(tx, attempt, endOf(done, input));
    if (!(done.failure instanceof NeedsDecision)) {
      await moveRun(
        tx,
        run.id,
        ["running"],
        "undoing",
        { error: { ...error, message: `${step.title}: ${error.message}` } },
        run.token,
      );
      await appendEvent(tx, { kind: "run", id: run.id }, "step_failed", {
        data: { step: step.name, code: error.code, message: error.message },
      });
    }
    await redrawMessages(tx, "run", run.id);
  });
}

/** How an attempt ended. In a lane, what a person has to decide counts as interrupted: the lane goes on from there. */
export function endOf({ output, facts, failure }: Done, { step }: Pick<AttemptInput, "step">): AttemptEnd {
  if (!failure) return { outcome: "done", output, facts };
  const undecided = failure instanceof NeedsDecision && step.batch !== undefined;
  return { outcome: undecided ? "interrupted" : "failed", output, facts, error: errorRecord(failure) };
}

/** Asks a step whether an interrupted attempt had done its work. `unknown` when the probe itself fails. */
export async function probeStep(
  context: RunbookContext,
  input: { run: Run; service: Service; attempt: Attempt; signal: AbortSignal },
  step: Step,
): Promise<"done" | "not done" | "unknown"> {
  const deed = createDeed(
    context,
    { ...input, step, position: 0, direction: "do" },
    { ...input.attempt, token: input.run.token },
    new Transcript(),
    {},
    input.signal,
  );
  try {
    return (await step.probe!(deed)) ? "done" : "not done";
  } catch (error) {
    context.log.warn({ err: error, run: input.run.id, step: step.name }, "probe failed");
    return "unknown";
  }
}

function createDeed(
  context: RunbookContext,
  input: AttemptInput,
  attempt: Attempt,
  output: Transcript,
  facts: Record<string, Json>,
  signal: AbortSignal,
): Deed {
  const { run, service, step } = input;
  return {
    context,
    service,
    plan: run.plan!,
    run,
    db: context.journal,
    signal,
    async command(command, options = {}) {
      output.add(`$ ${context.redact(command.map(quoteForReading).join(" "))}\n`);
      const host = options.here ? context.host() : context.host(service, step.lane);
      const running = host.run(command, {
        timeoutMs: options.timeoutMs ?? step.timeoutMs,
        signal,
        env: { ...service.environment, ...options.env },
        ...(options.cwd ? { cwd: options.cwd } : {}),
        beforeStart: (process) =>
          whileAway(() => recordProcess(context.journal, attempt, { ...process }), signal),
        onOutput: (text) => output.add(text),
      });
      const result = await running.catch((error: unknown) => {
        // it may still act over there: nothing is undone or repeated beside it
        if (error instanceof StewardError && error.code === "ssh_unsure")
          throw new NeedsDecision(error.code, error.message, { hint: error.hint ?? "", cause: error });
        throw error;
      });
      if (result.aborted) signal.throwIfAborted();
      if (result.exitCode === 0) return;
      const how = result.timedOut
        ? "took too long and was stopped"
        : result.signal
          ? `was ended by ${result.signal}`
          : `ended with exit code ${result.exitCode}`;
      const last = result.output.trimEnd().split("\n").at(-1) ?? "";
      throw new StewardError(
        "command_failed",
        `${context.redact(quoteForReading(command[0]!))} ${how}${last ? `: ${last.slice(0, 300)}` : ""}`,
      );
    },
    say: (line) => output.add(`${context.redact(line)}\n`),
    remember: (more) => void Object.assign(facts, more),
    recall: (name) => facts[name] ?? run.facts[name],
  };
}

/** Head and tail of what was said, so that memory and the journal stay bounded. */
class Transcript {
  #head = "";
  #tail = "";
  #left = 0;
  changed = false;

  add(text: string): void {
    this.changed = true;
    const room = OUTPUT_LIMIT / 2 - this.#head.length;
    this.#head += text.slice(0, Math.max(0, room));
    this.#tail += text.slice(Math.max(0, room));
    const over = this.#tail.length - OUTPUT_LIMIT / 2;
    if (over > 0) {
      this.#left += over;
      this.#tail = this.#tail.slice(over);
    }
  }

  text(): string {
    return this.#left
      ? `${this.#head}\n[${this.#left} characters left out]\n${this.#tail}`
      : this.#head + this.#tail;
  }
}

async function flushOutput(context: RunbookContext, attempt: Attempt, output: Transcript): Promise<void> {
  if (!output.changed) return;
  output.changed = false;
  try {
    await recordOutput(context.journal, attempt, output.text());
    await redrawMessages(context.journal, "run", attempt.runId);
  } catch (error) {
    // the whole output is written again with the outcome; while the journal is away there is nothing to add
    if (!isAway(error)) context.log.warn({ err: error, run: attempt.runId }, "output not kept yet");
  }
}

/** Waits for the deed; once aborted, only as long as ending a command takes: a deaf step must not hold the run. */
async function raceAbort(deed: Promise<void>, signal: AbortSignal): Promise<void> {
  let giveUp: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const abandoned = new Promise<never>((_, reject) => {
    onAbort = () => {
      giveUp = setTimeout(() => reject(signal.reason), ENDING_MS);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    await Promise.race([deed, abandoned]);
  } finally {
    clearTimeout(giveUp);
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}

function asFailure(context: RunbookContext, error: unknown, step: Step, signal: AbortSignal): StewardError {
  if (error instanceof NeedsDecision)
    return new NeedsDecision(error.code, context.redact(error.message), { hint: error.hint ?? "" });
  if (signal.aborted && signal.reason instanceof Error && signal.reason.name === "TimeoutError") {
    return new StewardError("step_timeout", `took longer than ${Math.round(step.timeoutMs / 1000)} s`);
  }
  const record = errorRecord(error);
  return new StewardError(record.code, context.redact(record.message), {
    ...(record.hint ? { hint: record.hint } : {}),
    cause: error,
  });
}

/** For the eye only: nothing is ever run from this text. */
function quoteForReading(part: string): string {
  return /^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`;
}
