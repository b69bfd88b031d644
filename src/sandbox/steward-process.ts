/** Steward as the sandbox runs it: a process of its own, started again when it dies. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { SandboxControl } from "./sandbox.ts";

const MAIN = join(import.meta.dirname, "..", "main.ts");
const READY = /\bsteward ready\b/i;
const RESTART_AFTER_MS = 1000;
const STOP_DEADLINE_MS = 10_000;
/** so many starts in a row that never got ready are no accident */
const FAILED_STARTS = 5;

export interface Supervision extends SandboxControl {
  variables: Record<string, string | undefined>;
  onStarted(pid: number): Promise<void>;
  onFirstReady(): void;
}

/**
 * Runs Steward until `stop`. Gives 0 after an orderly end; the first start's own exit code when that one
 * never gets ready, since a new try would end in the same way.
 */
export async function superviseSteward(supervision: Supervision): Promise<number> {
  const { stop, say, onFirstReady } = supervision;
  let everReady = false;
  for (let failures = 0; failures < FAILED_STARTS; ) {
    let ready = false;
    const ended = await runOnce(supervision, () => {
      ready = true;
      failures = 0;
      if (everReady) say("SANDBOX: Steward is back");
      else onFirstReady();
      everReady = true;
    });
    if (stop.aborted) return 0;
    if (!everReady) {
      say(`SANDBOX: Steward did not start (${ended.how})`);
      return ended.code || 1;
    }
    if (!ready) failures += 1;
    say(`SANDBOX: STEWARD HAS DIED (${ended.how}); starting it again`);
    await pause(RESTART_AFTER_MS, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) return 0;
  }
  say(`SANDBOX: Steward died ${FAILED_STARTS} times at its start; giving up`);
  return 1;
}

/** One life of Steward. */
async function runOnce(
  { variables, stop, hurry, onStarted }: Supervision,
  onReady: () => void,
): Promise<{ how: string; code: number }> {
  // A process group of its own: Ctrl-C reaches the sandbox alone, which ends things in their order.
  const child = spawn(process.execPath, [...process.execArgv, MAIN], {
    env: variables,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<{ how: string; code: number }>((resolve) => {
    child.once("error", (error) => resolve({ how: error.message, code: 1 }));
    child.once("exit", (code, signal) => {
      resolve({ how: signal ?? `exit code ${code}`, code: code ?? 1 });
    });
  });
  createInterface({ input: child.stdout! }).on("line", (line) => {
    process.stdout.write(`${line}\n`);
    if (READY.test(line)) onReady();
  });
  const end = (): void => void endGently(child, exited, hurry);
  if (child.pid) await onStarted(child.pid);
  if (stop.aborted) end();
  else stop.addEventListener("abort", end, { once: true });
  try {
    return await exited;
  } finally {
    stop.removeEventListener("abort", end);
  }
}

async function endGently(child: ChildProcess, exited: Promise<unknown>, hurry: AbortSignal): Promise<void> {
  signalGroup(child, "SIGTERM");
  const cancel = new AbortController();
  const limit = pause(STOP_DEADLINE_MS, undefined, { signal: AbortSignal.any([hurry, cancel.signal]) }).catch(
    () => {},
  );
  await Promise.race([exited, limit]);
  if (child.exitCode === null && child.signalCode === null) signalGroup(child, "SIGKILL");
  cancel.abort();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!child.pid) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
