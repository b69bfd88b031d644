/**
 * One test run: its folder, and the servers that were started for it. A keeper process of its own ends them
 * all when the run ends, also when the run is killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const VARIABLE = "STEWARD_TEST_RUN";

/** What the keeper ends: a process (with its group) and the folders that it leaves behind. */
export interface Kept {
  pid: number;
  startTime: string;
  signal: NodeJS.Signals;
  folders: string[];
}

let own: Promise<string> | undefined;
let keeper: ChildProcess | undefined;

/** The run's folder. Vitest's global setup makes it for all workers; elsewhere (benches) the first call does. */
export function runFolder(): Promise<string> {
  const given = process.env[VARIABLE];
  if (given) return Promise.resolve(given);
  own ??= startRun();
  return own;
}

export async function startRun(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "steward-test-"));
  await mkdir(join(folder, "kept"));
  keeper = spawn(process.execPath, [join(import.meta.dirname, "keeper.ts"), folder], {
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
  });
  keeper.unref();
  (keeper.stdin as unknown as { unref?: () => void })?.unref?.();
  process.env[VARIABLE] = folder;
  return folder;
}

/** Ends every server of the run and waits until they are gone. */
export async function endRun(): Promise<void> {
  const ending = keeper;
  if (!ending) return;
  keeper = undefined;
  delete process.env[VARIABLE];
  const exited = new Promise((resolve) => ending.once("exit", resolve));
  ending.ref();
  ending.stdin?.end();
  await exited;
}

/** Leaves a process to the keeper; the returned function takes it back after an orderly stop. */
export async function keep(
  name: string,
  pid: number,
  options: Partial<Kept> = {},
): Promise<() => Promise<void>> {
  const kept: Kept = { pid, startTime: startTime(pid) ?? "", signal: "SIGTERM", folders: [], ...options };
  const file = join(await runFolder(), "kept", `${name}-${pid}.json`);
  await writeFile(file, JSON.stringify(kept));
  return () => rm(file, { force: true });
}

/** When a process was started, in the kernel's ticks; null when it does not run. "" where that is unknown. */
export function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch {
    if (process.platform === "linux") return null;
  }
  try {
    process.kill(pid, 0);
    return "";
  } catch {
    return null;
  }
}

/** A port of the loopback interface that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
