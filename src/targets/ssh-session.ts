/** One session on an SSH host: the task goes in, a process group says who it is, waits, runs and says how it ended. */
import { randomUUID } from "node:crypto";
import { execa } from "execa";
import { StewardError } from "../errors.ts";
import { parsePs, parseStats } from "./host-process.ts";
import { sshFailure } from "./ssh-failure.ts";
import { encodeTask, REMOTE_COMMAND, type RemoteTask } from "./ssh-script.ts";

/** How a host is reached: the arguments of ssh up to the remote command, and its environment. */
export interface SshConnection {
  name: string;
  args: string[];
  env: Record<string, string>;
}

/** The leader of the group that waits at the gate. */
export interface RemoteProcess {
  pid: number;
  startedAt: string;
}

export interface Session {
  /** Rejects with `ssh_failed` when the host cannot be reached, `command_not_found` when there is nothing to run. */
  ready: Promise<RemoteProcess>;
  /** Opens the gate. */
  go(input: string): void;
  /** The exit code; null when the connection ended without one. */
  ended: Promise<number | null>;
  /** No longer of interest: before `go` nothing runs then; after it, what still writes is drained. */
  leave(): void;
  /** Ends our side of it. */
  drop(): void;
}

/** How long a host may take from the first packet to the gate. */
const READY_MS = 30_000;
/** How long the last output is waited for after ssh has ended: something else may hold its pipe. */
const CLOSE_MS = 1_000;
const NOISE_LIMIT = 4_096;

/** `onOutput` gets the program's output, both streams as they were written. */
export function openSession(
  connection: SshConnection,
  task: RemoteTask,
  onOutput: (chunk: Buffer) => void,
): Session {
  const mark = randomUUID();
  const child = execa("ssh", [...connection.args, REMOTE_COMMAND], {
    cwd: "/",
    env: connection.env,
    extendEnv: false,
    // not reached by a Ctrl-C that is meant for Steward
    detached: true,
    cleanup: false,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    buffer: false,
    reject: false,
  });
  const ssh = child.nodeChildProcess;
  void child.catch(() => {});
  const ready = Promise.withResolvers<RemoteProcess>();
  const ended = Promise.withResolvers<number | null>();
  ready.promise.catch(() => {});
  let noise = "";
  let isReady = false;
  let isOver = false;
  const hear = (chunk: Buffer) => {
    noise = (noise + chunk.toString()).slice(-NOISE_LIMIT);
  };
  const failWith = (error: StewardError) => {
    clearTimeout(tooLate);
    ready.reject(error);
  };
  const tooLate = setTimeout(() => {
    failWith(sshFailure(connection.name, `no answer within ${READY_MS / 1000} s`));
    session.drop();
  }, READY_MS);

  const read = markedReader(mark, {
    // what a login shell's startup files print comes before the first mark
    between: (chunk) => {
      if (!isReady) hear(chunk);
      else if (!isOver) onOutput(chunk);
    },
    line: (line) => {
      const [word = "", ...rest] = line.split(" ");
      if (word === "exit") {
        isOver = true;
        ended.resolve(Number(rest[0]));
      } else if (isReady) return;
      else if (word === "proc" || word === "ps") {
        clearTimeout(tooLate);
        isReady = true;
        const process = identify(word, rest.join(" "));
        if (process) ready.resolve(process);
        else failWith(sshFailure(connection.name, "its commands get no process group of their own"));
      } else failWith(refusal(word, task));
    },
  });
  ssh.stdin!.on("error", () => {});
  ssh.stdout!.on("data", read).on("error", () => {});
  ssh.stderr!.on("data", hear).on("error", () => {});
  const closed = new Promise<void>((done) => ssh.stdout!.once("close", () => done()));
  ssh.once("error", (error) => {
    failWith(sshFailure(connection.name, `ssh cannot be started here: ${error.message}`));
    ended.resolve(null);
  });
  ssh.once("exit", () => {
    const timer = setTimeout(finish, CLOSE_MS);
    void closed.then(finish);
    function finish() {
      clearTimeout(timer);
      failWith(sshFailure(connection.name, noise));
      ended.resolve(null);
    }
  });
  ssh.stdin!.write(encodeTask(task, mark));

  const session: Session = {
    ready: ready.promise,
    ended: ended.promise,
    go: (input) => void ssh.stdin!.end(`go\n${input}`),
    leave() {
      clearTimeout(tooLate);
      ssh.stdin!.destroy();
      ssh.unref();
      for (const stream of [ssh.stdout!, ssh.stderr!]) {
        stream.resume();
        (stream as typeof stream & { unref?: () => void }).unref?.();
      }
    },
    drop() {
      session.leave();
      ssh.kill("SIGKILL");
    },
  };
  return session;
}

/** Ends the connection that the sessions share; nothing is said when there is none. */
export async function closeConnection({ args, env }: SshConnection): Promise<void> {
  await execa("ssh", ["-O", "exit", ...args], {
    cwd: "/",
    env,
    extendEnv: false,
    stdio: "ignore",
    timeout: CLOSE_MS,
    reject: false,
  });
}

/** The process's row, if it leads its group. */
function identify(kind: "proc" | "ps", text: string): RemoteProcess | undefined {
  const boot = text.slice(0, text.indexOf(" "));
  const [row] = kind === "ps" ? parsePs(text) : parseStats(text.slice(boot.length + 1), boot);
  return row && row.group === row.pid ? { pid: row.pid, startedAt: row.startedAt } : undefined;
}

function refusal(word: string, { command, cwd }: RemoteTask): StewardError {
  const program = command[0] ?? "";
  if (word === "nofolder")
    return new StewardError(
      "command_not_found",
      `'${program}' cannot be run: its working directory ${cwd} does not exist there`,
      { hint: "Check the path in steward.yml: it is one of the service's host." },
    );
  if (word === "noprogram")
    return new StewardError(
      "command_not_found",
      `'${program}' is not a program that can be run there${program.includes("/") ? "" : " (looked in PATH)"}`,
      { hint: "Install it on the service's host, or name it by its whole path in steward.yml." },
    );
  return new StewardError("command_not_found", "The host has no base64 to read what is to be run", {
    hint: "Install it there (coreutils).",
  });
}

/** Tells lines that begin with `mark` from all else, wherever the chunks are cut. */
function markedReader(mark: string, on: { line(text: string): void; between(chunk: Buffer): void }) {
  const sign = Buffer.from(mark);
  let held: Buffer = Buffer.alloc(0);
  return (chunk: Buffer) => {
    held = held.length ? Buffer.concat([held, chunk]) : chunk;
    for (;;) {
      const at = held.indexOf(sign);
      const upTo = at < 0 ? held.length - beginningAtEnd(held, sign) : at;
      if (upTo > 0) on.between(held.subarray(0, upTo));
      held = held.subarray(upTo);
      const end = at < 0 ? -1 : held.indexOf(10);
      if (end < 0) return;
      on.line(held.subarray(sign.length + 1, end).toString());
      held = held.subarray(end + 1);
    }
  };
}

/** How many bytes at the end of `text` may be the beginning of `sign`. */
function beginningAtEnd(text: Buffer, sign: Buffer): number {
  for (let length = Math.min(sign.length - 1, text.length); length > 0; length -= 1)
    if (text.subarray(-length).equals(sign.subarray(0, length))) return length;
  return 0;
}
