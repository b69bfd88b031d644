/** The server's process: what its pid file says, whether that is still true, and how it is ended. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, readlink, realpath, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { StewardError } from "../errors.ts";
import type { EmbeddedHome } from "./embedded-home.ts";

const run = promisify(execFile);

const POLL_MS = 15;
/** From creating its pid file to writing it a server takes no longer, however busy the machine is. */
const WRITTEN_WITHIN_MS = 3_000;

/** `none`: no server of these data runs. */
export type Running = { state: "none" } | { state: "starting" | "ready"; pid: number };

/** Reads postmaster.pid and proves it by the process itself; a stale file is cleared away. */
export async function findRunning(home: EmbeddedHome): Promise<Running> {
  const pidFile = join(home.dataFolder, "postmaster.pid");
  const text = await readWritten(pidFile);
  if (text === null) return { state: "none" };
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (Number.isInteger(pid) && pid > 1 && (await isServerOf(pid, home.dataFolder))) {
    return { state: lines[7]?.trim() === "ready" ? "ready" : "starting", pid };
  }
  await clearStale(pidFile, text);
  return { state: "none" };
}

/**
 * A server creates its pid file and writes it a moment later: an empty one that was taken for stale and
 * cleared away would leave a live server without it.
 */
async function readWritten(pidFile: string): Promise<string | null> {
  for (const deadline = Date.now() + WRITTEN_WITHIN_MS; ; await pause(POLL_MS)) {
    const text = await readFile(pidFile, "utf8").catch(() => null);
    if (text === null || text.includes("\n") || Date.now() > deadline) return text;
  }
}

/** Ends the server (its "fast" stop: sessions are cut, data are written) and waits until it is gone. */
export async function endServer(home: EmbeddedHome, timeoutMs = 30_000): Promise<void> {
  const running = await findRunning(home);
  if (running.state === "none") return;
  signal(running.pid, "SIGINT");
  if (await gone(running.pid, timeoutMs)) return;
  // Immediate stop: the next start replays the write-ahead log, nothing committed is lost.
  signal(running.pid, "SIGQUIT");
  if (await gone(running.pid, 5000)) return;
  throw new StewardError("postgres_stop", `The embedded Postgres (process ${running.pid}) does not stop.`, {
    hint: `Its log: ${home.logPath}`,
  });
}

/** Whether a process runs. One that has ended but that nobody has reaped (a container without init) doesn't. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return true;
  }
}

/** Removes the socket's lock file when the process that it names isn't the server of these data. */
export async function clearSocketLock(home: EmbeddedHome): Promise<void> {
  const lock = `${home.socketPath}.lock`;
  const text = await readFile(lock, "utf8").catch(() => null);
  if (text === null) return;
  const pid = Number(text.split("\n")[0]);
  if (!(await isServerOf(pid, home.dataFolder))) await clearStale(lock, text);
}

async function gone(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}

/** A pid may have been given to somebody else since: only a process that works on these data is ours. */
async function isServerOf(pid: number, dataFolder: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const [cwd, data] = await Promise.all([
    readlink(`/proc/${pid}/cwd`).catch(() => null),
    realpath(dataFolder),
  ]);
  if (cwd !== null) return cwd === data;
  const { stdout } = await run("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  const [program = "", ...args] = stdout.trim().split(" ");
  if (stdout.includes(data)) return true;
  if (stdout.trim() !== "" && !/^(postgres|postmaster):?$/.test(basename(program))) return false;
  if (!isAlive(pid)) return false;
  // Clearing the pid file of a live server would let a second one write into its data.
  throw new StewardError(
    "postgres_unsure",
    `${join(dataFolder, "postmaster.pid")} names process ${pid} (${[program, ...args].join(" ")}), which may ` +
      "or may not be the server of these data.",
    { hint: "Stop that process, or remove the file if it is another program." },
  );
}

async function clearStale(pidFile: string, seen: string): Promise<void> {
  // Renamed first, so that a server that has just started keeps the file that it wrote meanwhile.
  const aside = `${pidFile}.stale-${process.pid}`;
  await rename(pidFile, aside).catch(() => {});
  const taken = await readFile(aside, "utf8").catch(() => null);
  if (taken === null || taken === seen) await rm(aside, { force: true });
  else await rename(aside, pidFile);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
