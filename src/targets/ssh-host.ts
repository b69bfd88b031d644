import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { StewardError } from "../errors.ts";
import type { Redact } from "../redact.ts";
import type { CommandOptions, CommandResult, Host } from "./host.ts";
import { outputSink } from "./host-output.ts";
import { sshFacts } from "./ssh-facts.ts";
import { type SshDeclaration, sshArguments, sshEnvironment, sshName } from "./ssh-options.ts";
import { endRemoteGroup, isRemoteGroupAlive } from "./ssh-process.ts";
import {
  closeConnection,
  openSession,
  type RemoteProcess,
  type Session,
  type SshConnection,
} from "./ssh-session.ts";

const OUTPUT_LIMIT = 64 * 1024;
/** How long the last output of a command that was ended is waited for. */
const DRAIN_MS = 500;
/** How long a host whose connection broke is looked for, and how often. */
const LOOK_MS = 6_000;
const LOOK_EVERY_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A host whose connection is shared by its commands, until it is closed. */
export interface SshHost extends Host {
  /** Ends the shared connection, and what still runs over it. */
  close(): Promise<void>;
}

/**
 * A host over the system's OpenSSH. Its sockets of shared connections lie in `controlFolder`; `environment` is what
 * ssh itself is started with. Commands get the host's own PATH, HOME, USER, LANG and TMPDIR, and nothing of
 * Steward's. A program that a signal ended has the exit code that a shell gives it: 128 and its number.
 * Besides what every host throws: `ssh_failed` when the host cannot be reached (nothing ran), `ssh_lost` when the
 * connection broke in the middle (what ran is proven to have ended), `ssh_unsure` when it may still run.
 */
export function sshHost(
  declaration: SshDeclaration,
  options: { redact: Redact; controlFolder: string; environment?: Record<string, string | undefined> },
): SshHost {
  const key = createHash("sha256").update(JSON.stringify(declaration)).digest("hex").slice(0, 16);
  const connection: SshConnection = {
    name: sshName(declaration),
    args: sshArguments(declaration, options.controlFolder, key),
    env: sshEnvironment(options.environment ?? {}),
  };
  const { name } = connection;
  return {
    name,
    facts: sshFacts(connection),
    run: (command, runOptions) => runRemotely(connection, command, runOptions, options.redact),
    async isAlive(process) {
      // one that cannot be asked for counts as alive
      return process.host !== name || (await isRemoteGroupAlive(connection, process).catch(() => true));
    },
    async killGroup(process) {
      if (process.host !== name) return false;
      return await endRemoteGroup(connection, process).then(
        () => true,
        () => false,
      );
    },
    close: () => closeConnection(connection),
  };
}

async function runRemotely(
  connection: SshConnection,
  command: readonly string[],
  options: CommandOptions,
  redact: Redact,
): Promise<CommandResult> {
  assertSendable(command, options);
  const sink = outputSink(redact, options.outputLimit ?? OUTPUT_LIMIT, options.onOutput);
  const session = openSession(connection, { command, cwd: options.cwd, env: options.env }, (chunk) =>
    sink.add(chunk),
  );
  const ending = { exitCode: null as number | null, signal: null as string | null };
  let began = performance.now();
  const result = (why?: "timeout" | "abort"): CommandResult => {
    sink.end();
    session.leave();
    return {
      ...ending,
      timedOut: why === "timeout",
      aborted: why === "abort",
      output: sink.text(),
      durationMs: Math.round(performance.now() - began),
    };
  };
  try {
    const process = await untilAbort(session.ready, options.signal);
    if (!process) return result("abort");
    await options.beforeStart?.({ host: connection.name, ...process });
    if (options.signal?.aborted) return result("abort");
    began = performance.now();
    session.go(options.input ?? "");
    const stopped = await untilStopped(session, options);
    if (typeof stopped === "number") {
      ending.exitCode = stopped;
      return result();
    }
    if (stopped === "lost") throw await lost(connection, process, command[0]!);
    ending.signal = await endRemoteGroup(connection, process);
    ending.exitCode = await Promise.race([session.ended, pause(DRAIN_MS, null)]);
    return result(stopped);
  } catch (error) {
    session.drop();
    throw error;
  }
}

/** The exit code, or why there is none. */
async function untilStopped(
  session: Session,
  options: CommandOptions,
): Promise<number | "lost" | "timeout" | "abort"> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<"timeout" | "abort">();
  const onAbort = () => stop("abort");
  const timer = setTimeout(() => stop("timeout"), Math.min(options.timeoutMs, LONGEST_TIMER_MS));
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  try {
    return (await Promise.race([session.ended, stopped])) ?? "lost";
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
}

/** The process of a broken connection is looked for, and ended: nothing may run on unseen. */
async function lost(
  connection: SshConnection,
  process: RemoteProcess,
  program: string,
): Promise<StewardError> {
  const deadline = performance.now() + LOOK_MS;
  for (;;) {
    try {
      await endRemoteGroup(connection, process);
      return new StewardError(
        "ssh_lost",
        `The connection to ${connection.name} broke while '${program}' ran; its process ${process.pid} has ended`,
        { hint: "How far it came is not known. Look at its output, and at the host's load and network." },
      );
    } catch (error) {
      if (performance.now() > deadline) return error as StewardError;
      await pause(LOOK_EVERY_MS);
    }
  }
}

/** Undefined when the signal came first. */
async function untilAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!signal) return await promise;
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function assertSendable(command: readonly string[], { cwd, env }: CommandOptions): void {
  const [program = ""] = command;
  if (program === "" || program.startsWith("-"))
    throw new StewardError("command_not_found", `'${program}' is not a program that can be run`, {
      hint: "Name a program in steward.yml.",
    });
  const names = Object.keys(env ?? {});
  const bad = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (bad !== undefined)
    throw new StewardError("bad_argument", `'${bad.slice(0, 60)}' is no name of an environment variable`);
  if ([...command, cwd ?? "", ...Object.values(env ?? {})].some((text) => text.includes("\0")))
    throw new StewardError(
      "bad_argument",
      `An argument of '${program}' holds a NUL, which no program can get`,
    );
  if (cwd !== undefined && !cwd.startsWith("/"))
    throw new StewardError("command_not_found", `'${program}' cannot be run in ${cwd}: it is no whole path`, {
      hint: "Give the path on the service's host from its root, beginning with /.",
    });
}
