/**
 * One sandbox a STEWARD_HOME. Its processes are recorded there, so that the next one can tell a running
 * sandbox from a killed one, and end the Steward that a killed one left behind.
 */
import { execFile } from "node:child_process";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { StewardError } from "../errors.ts";

const run = promisify(execFile);

const TERM_DEADLINE_MS = 5000;
const POLL_MS = 25;

interface Known {
  pid: number;
  /** tells a process from a later one that was given the same number */
  startTime: string;
}

interface Claim {
  sandbox: Known;
  port: number;
  steward?: Known;
}

export interface HomeClaim {
  /** Records the Steward that runs now. */
  record(stewardPid: number): Promise<void>;
  release(): Promise<void>;
}

/** Claims the home, ending leftovers. Throws `sandbox_running` when another sandbox works there. */
export async function claimHome(home: string, port: number): Promise<HomeClaim> {
  const path = join(home, "sandbox.json");
  const before = await read(path);
  if (before && before.sandbox.pid !== process.pid && (await isSame(before.sandbox))) {
    throw new StewardError(
      "sandbox_running",
      `A sandbox is running already in ${home}, on port ${before.port} (process ${before.sandbox.pid}).`,
      { hint: `Open http://localhost:${before.port}, or set STEWARD_HOME and SANDBOX_PORT for another one.` },
    );
  }
  if (before?.steward) await end(before.steward);
  const claim: Claim = { sandbox: await identify(process.pid), port };
  await write(path, claim);
  return {
    record: async (pid) => write(path, { ...claim, steward: await identify(pid) }),
    release: () => rm(path, { force: true }),
  };
}

async function read(path: string): Promise<Claim | null> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Claim;
  } catch {
    return null;
  }
}

async function write(path: string, claim: Claim): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(claim));
  await rename(`${path}.new`, path);
}

/** The whole group: a step's commands, too. */
async function end(known: Known): Promise<void> {
  const deadline = Date.now() + TERM_DEADLINE_MS;
  let signal: NodeJS.Signals = "SIGTERM";
  while (await isSame(known)) {
    try {
      process.kill(-known.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    if (Date.now() > deadline) signal = "SIGKILL";
    await pause(POLL_MS);
  }
}

async function isSame(known: Known): Promise<boolean> {
  const startTime = await startTimeOf(known.pid);
  return startTime !== null && startTime === known.startTime;
}

async function identify(pid: number): Promise<Known> {
  return { pid, startTime: (await startTimeOf(pid)) ?? "" };
}

async function startTimeOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat !== null) {
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  }
  if (process.platform === "linux") return null;
  const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.trim() || null;
}
