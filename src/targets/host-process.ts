import { readdir, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { execa } from "execa";

/** How long a group gets after SIGTERM, and after SIGKILL, before it counts as not dead. */
const TERM_GRACE_MS = 5_000;
const KILL_GRACE_MS = 2_000;
const POLL_MS = 20;

interface ProcessRow {
  pid: number;
  group: number;
  startedAt: string;
}

/** All processes of a host at one moment; `boot` is empty where there is no /proc. */
export interface ProcessTable {
  boot: string;
  rows: ProcessRow[];
}

/**
 * What tells this process from any other that may have its pid later: the kernel's start time and the
 * boot; without /proc, `ps`'s start time. Undefined when it does not run (any more).
 */
export async function startOf(pid: number): Promise<string | undefined> {
  return (await readProcess(pid))?.startedAt;
}

/**
 * Whether the process or anything it left in its group still runs. The kernel gives no pid anew while a
 * group of that number exists: a stranger under the pid proves the group gone.
 */
export async function isGroupAlive(pid: number, startedAt: string): Promise<boolean> {
  const leader = await readProcess(pid);
  if (leader) return leader.startedAt === startedAt;
  if (!(await isThisBoot(startedAt))) return false;
  return (await listProcesses()).some((row) => row.group === pid);
}

/**
 * SIGTERM to the whole group, SIGKILL after 5 s. True when nothing of it runs any more; false when it could
 * not be ended. `graceMs` shortens the wait before SIGKILL.
 */
export async function endGroup(pid: number, startedAt: string, graceMs = TERM_GRACE_MS): Promise<boolean> {
  for (const [signal, waitMs] of [
    ["SIGTERM", graceMs],
    ["SIGKILL", KILL_GRACE_MS],
  ] as const) {
    if (!(await isGroupAlive(pid, startedAt))) return true;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPERM") return false;
    }
    const deadline = performance.now() + waitMs;
    while (performance.now() < deadline) {
      if (!(await isGroupAlive(pid, startedAt))) return true;
      await pause(POLL_MS);
    }
  }
  return !(await isGroupAlive(pid, startedAt));
}

/** The same question as `isGroupAlive`, asked of a table that was read elsewhere. */
export function isGroupIn({ boot, rows }: ProcessTable, pid: number, startedAt: string): boolean {
  const leader = rows.find((row) => row.pid === pid);
  if (leader) return leader.startedAt === startedAt;
  if (boot !== "" && !startedAt.startsWith(`${boot}:`)) return false;
  return rows.some((row) => row.group === pid);
}

/** Any number of /proc/PID/stat, one after another. The name in brackets may hold anything, line ends too. */
export function parseStats(text: string, boot: string): ProcessRow[] {
  return text.split(/\n(?=\d+ \()/).flatMap((stat) => {
    const pid = /^\d+(?= \()/.exec(stat)?.[0];
    const row = pid === undefined ? undefined : parseStat(Number(pid), stat, boot);
    return row ? [row] : [];
  });
}

/** What `ps -o pid=,pgid=,stat=,lstart=` says. */
export function parsePs(text: string): ProcessRow[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    if (!match || match[3]!.startsWith("Z")) return [];
    return [{ pid: Number(match[1]), group: Number(match[2]), startedAt: match[4]! }];
  });
}

let boot: Promise<string> | undefined;

/** The boot's id; empty where there is no /proc. */
function bootId(): Promise<string> {
  boot ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => "",
  );
  return boot;
}

async function isThisBoot(startedAt: string): Promise<boolean> {
  const id = await bootId();
  return id === "" || startedAt.startsWith(`${id}:`);
}

async function readProcess(pid: number): Promise<ProcessRow | undefined> {
  const id = await bootId();
  if (id === "") return (await listByPs(["-p", String(pid)]))[0];
  try {
    return parseStat(pid, await readFile(`/proc/${pid}/stat`, "utf8"), id);
  } catch {
    return undefined;
  }
}

async function listProcesses(): Promise<ProcessRow[]> {
  const id = await bootId();
  if (id === "") return await listByPs(["-A"]);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const rows = await Promise.all(pids.map((pid) => readProcess(pid)));
  return rows.filter((row) => row !== undefined);
}

/** Fields of /proc/PID/stat after the name in brackets, which may hold anything: 3 state, 5 group, 22 start. */
function parseStat(pid: number, stat: string, id: string): ProcessRow | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return { pid, group: Number(fields[2]), startedAt: `${id}:${fields[19]}` };
}

async function listByPs(selection: string[]): Promise<ProcessRow[]> {
  const { stdout } = await execa("ps", [...selection, "-o", "pid=,pgid=,stat=,lstart="], {
    env: { LC_ALL: "C" },
    reject: false,
  });
  return parsePs(stdout);
}
