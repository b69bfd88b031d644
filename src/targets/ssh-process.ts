/** Processes of an SSH host, asked for and ended from here. */
import { setTimeout as pause } from "node:timers/promises";
import { StewardError } from "../errors.ts";
import { isGroupIn, type ProcessTable, parsePs, parseStats } from "./host-process.ts";
import { sshFailure } from "./ssh-failure.ts";
import type { RemoteTask } from "./ssh-script.ts";
import { openSession, type RemoteProcess, type SshConnection } from "./ssh-session.ts";

const TERM_GRACE_MS = 5_000;
const KILL_GRACE_MS = 2_000;
const POLL_MS = 100;
const ANSWER_MS = 15_000;
const LONGEST_ANSWER = 32 << 20;

/** The first line is the boot's id, or empty where there is no /proc. */
const LIST = `if [ -r /proc/self/stat ]; then cat /proc/sys/kernel/random/boot_id /proc/[0-9]*/stat 2>/dev/null; else echo; ps -A -o pid=,pgid=,stat=,lstart=; fi; :`;
const SIGNAL = 'kill -s "$1" -- "-$2"';

/** Runs something short that asks and changes nothing that would have to be undone. Throws `ssh_failed` when there is no whole answer. */
export async function askRemote(
  connection: SshConnection,
  task: RemoteTask,
  signal?: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const session = openSession(connection, task, (chunk) => {
    bytes += chunk.length;
    if (bytes <= LONGEST_ANSWER) pieces.push(chunk);
  });
  const limit = AbortSignal.any([AbortSignal.timeout(ANSWER_MS), ...(signal ? [signal] : [])]);
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const onCut = () =>
    reject(
      signal?.aborted ? signal.reason : sshFailure(connection.name, `no answer within ${ANSWER_MS / 1000} s`),
    );
  cut.catch(() => {});
  limit.addEventListener("abort", onCut, { once: true });
  if (limit.aborted) onCut();
  try {
    await Promise.race([session.ready, cut]);
    session.go("");
    const exitCode = await Promise.race([session.ended, cut]);
    if (exitCode === null) throw sshFailure(connection.name, "the connection was lost");
    return { exitCode, output: Buffer.concat(pieces).toString() };
  } finally {
    limit.removeEventListener("abort", onCut);
    session.drop();
  }
}

/** Whether the process, or anything it left in its group, still runs there. */
export async function isRemoteGroupAlive(
  connection: SshConnection,
  process: RemoteProcess,
): Promise<boolean> {
  return isGroupIn(await readTable(connection), process.pid, process.startedAt);
}

/**
 * SIGTERM to the whole group, SIGKILL after 5 s. Returns the signal that it took, null when nothing of it ran any
 * more. Throws `ssh_unsure` when the host cannot be asked, or something of the group outlives SIGKILL.
 */
export async function endRemoteGroup(
  connection: SshConnection,
  process: RemoteProcess,
): Promise<"SIGTERM" | "SIGKILL" | null> {
  const unsure = (why: string, cause?: unknown) =>
    new StewardError(
      "ssh_unsure",
      `Process ${process.pid} on ${connection.name} cannot be proven to have ended: ${why}`,
      { hint: "Look at that host yourself, end what is left of it, then decide.", cause },
    );
  try {
    if (!(await isRemoteGroupAlive(connection, process))) return null;
    for (const [signal, waitMs] of [
      ["SIGTERM", TERM_GRACE_MS],
      ["SIGKILL", KILL_GRACE_MS],
    ] as const) {
      const deadline = performance.now() + waitMs;
      await askRemote(connection, {
        command: ["sh", "-c", SIGNAL, "sh", signal.slice(3), String(process.pid)],
      });
      do {
        if (!(await isRemoteGroupAlive(connection, process))) return signal;
        await pause(POLL_MS);
      } while (performance.now() < deadline);
    }
  } catch (error) {
    throw unsure((error as Error).message, error);
  }
  throw unsure("something of its group outlives SIGKILL");
}

async function readTable(connection: SshConnection): Promise<ProcessTable> {
  const { output } = await askRemote(connection, { command: ["sh", "-c", LIST], env: { LC_ALL: "C" } });
  const boot = output.slice(0, output.indexOf("\n"));
  const rest = output.slice(boot.length + 1);
  const rows = boot === "" ? parsePs(rest) : parseStats(rest, boot);
  // the asking processes themselves are in every table: one without any is no answer
  if (rows.length === 0) throw sshFailure(connection.name, "its processes cannot be listed");
  return { boot, rows };
}
