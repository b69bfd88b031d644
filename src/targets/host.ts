import { access, constants, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { StewardError } from "../errors.ts";
import type { Redact } from "../redact.ts";
import { type HostFacts, localFacts } from "./host-facts.ts";
import { type OutputSink, outputSink } from "./host-output.ts";
import { endGroup, isGroupAlive, startOf } from "./host-process.ts";

export type { HostFacts } from "./host-facts.ts";

/** A process that was started, told apart from any later one with the same pid. */
export interface ProcessIdentity {
  host: string;
  pid: number;
  startedAt: string;
}

export interface CommandOptions {
  cwd?: string;
  /** laid over the minimal environment; nothing else is inherited */
  env?: Record<string, string>;
  /** counted from the moment the command may run */
  timeoutMs: number;
  signal?: AbortSignal;
  /** gets whole, redacted lines as they come; must not throw */
  onOutput?: (text: string) => void;
  /** the gate: the command runs only after this has resolved; if it throws, it never ran */
  beforeStart?: (process: ProcessIdentity) => Promise<void>;
  /** bytes of output kept, half from its head and half from its tail; 64 KiB unless told */
  outputLimit?: number;
  input?: string;
}

/** `exitCode` is null when a signal ended it; `output` is standard output and error as they came, redacted. */
export interface CommandResult {
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  aborted: boolean;
  output: string;
  durationMs: number;
}

export interface Host {
  readonly name: string;
  readonly facts: HostFacts;
  /**
   * Runs a program with arguments, no shell in between. A command that fails is a result, not an error.
   * Throws `command_not_found` for a missing program or working directory, and whatever `beforeStart` threw.
   */
  run(command: readonly string[], options: CommandOptions): Promise<CommandResult>;
  /** Whether it, or anything it left in its process group, still runs. A process of another host counts as alive. */
  isAlive(process: ProcessIdentity): Promise<boolean>;
  /** Ends the process and its group. True when proven dead, also when it was dead before. */
  killGroup(process: ProcessIdentity): Promise<boolean>;
}

/**
 * The gate. A constant script: what is to run comes as positional arguments, so no input is ever read as
 * shell. exec keeps pid, group and start time. If Steward dies before `go`, standard input closes, read
 * fails and nothing runs.
 */
const WRAPPER = 'exec 2>&1; read -r go && exec "$@"';
const INHERITED = ["PATH", "HOME", "LANG", "USER", "TMPDIR"];
const OUTPUT_LIMIT = 64 * 1024;
/** How long output is waited for after the program has ended while something else holds its pipe open. */
const DRAIN_MS = 250;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** This machine. `environment` is what the inherited variables (PATH, HOME, LANG, USER, TMPDIR) are taken from. */
export function localHost(options: {
  redact: Redact;
  environment?: Record<string, string | undefined>;
}): Host {
  const name = hostname();
  const inherited = minimalEnvironment(options.environment ?? {});
  return {
    name,
    facts: localFacts(),
    run: (command, runOptions) =>
      runLocally(name, command, { ...runOptions, env: { ...inherited, ...runOptions.env } }, options.redact),
    isAlive: async (process) => process.host !== name || (await isGroupAlive(process.pid, process.startedAt)),
    killGroup: async (process) => process.host === name && (await endGroup(process.pid, process.startedAt)),
  };
}

async function runLocally(
  host: string,
  command: readonly string[],
  options: CommandOptions & { env: Record<string, string> },
  redact: Redact,
): Promise<CommandResult> {
  await assertRunnable(command, options);
  const sink = outputSink(redact, options.outputLimit ?? OUTPUT_LIMIT, options.onOutput);
  const { child, exited } = spawnGated(command, options, sink);
  const pid = child.pid!;
  const startedAt = await startOf(pid);
  const kill = async () => {
    if (startedAt !== undefined) await endGroup(pid, startedAt);
  };
  if (options.beforeStart) {
    try {
      if (startedAt === undefined)
        throw new StewardError("command_failed", `'${command[0]}' ended before it was started`);
      await options.beforeStart({ host, pid, startedAt });
    } catch (error) {
      child.stdin?.destroy();
      await kill();
      throw error;
    }
  }
  const began = performance.now();
  const stopped = stopper(options, kill);
  if (options.signal?.aborted) child.stdin?.destroy();
  else child.stdin?.end(`go\n${options.input ?? ""}`);
  const { exitCode, signal } = await Promise.race([exited, stopped.gaveUp]);
  const { timedOut, aborted } = await stopped.settle();
  sink.end();
  return {
    exitCode,
    signal,
    timedOut,
    aborted,
    output: sink.text(),
    durationMs: Math.round(performance.now() - began),
  };
}

/** Starts the wrapper in a process group of its own, waiting at its gate. */
function spawnGated(command: readonly string[], options: CommandOptions, sink: OutputSink) {
  const subprocess = execa("/bin/sh", ["-c", WRAPPER, "steward", ...command], {
    cwd: options.cwd ?? process.cwd(),
    env: options.env ?? {},
    extendEnv: false,
    detached: true,
    cleanup: false,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    buffer: false,
    reject: false,
  });
  const child = subprocess.nodeChildProcess;
  // the promise waits for every holder of the pipe, a surviving grandchild too: the program's own end counts
  void subprocess.catch(() => {});
  // a program that does not read its input closes it: no error of ours
  child.stdin?.on("error", () => {});
  const stdout = child.stdout!;
  const onData = (chunk: Buffer) => sink.add(chunk);
  stdout.on("data", onData);
  stdout.on("error", () => {});
  const drained = new Promise<void>((done) => stdout.once("close", () => done()).once("end", () => done()));
  const exited = new Promise<{ exitCode: number | null; signal: string | null }>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (exitCode, signal) => {
      const timer = setTimeout(() => {
        // a service started in the background may hold the pipe: it is drained on, so that it is not killed by SIGPIPE
        stdout.off("data", onData).resume();
        (stdout as typeof stdout & { unref?: () => void }).unref?.();
        done({ exitCode, signal });
      }, DRAIN_MS);
      void drained.then(() => {
        clearTimeout(timer);
        done({ exitCode, signal });
      });
    });
  });
  // whoever awaits it later sees the rejection; until then it must not count as unhandled
  exited.catch(() => {});
  return { child, exited };
}

/** Kills on timeout or abort, whichever comes first; `settle` waits until a kill under way is over. */
function stopper(options: CommandOptions, kill: () => Promise<void>) {
  let why: "timeout" | "abort" | undefined;
  let killing: Promise<void> | undefined;
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<{ exitCode: null; signal: string }>();
  const stop = (reason: "timeout" | "abort") => {
    if (why) return;
    why = reason;
    killing = kill();
    // a process stuck in the kernel does not die of SIGKILL: the caller is told all the same
    void killing.then(() => setTimeout(() => giveUp({ exitCode: null, signal: "SIGKILL" }), 4 * DRAIN_MS));
  };
  const onAbort = () => stop("abort");
  const timer = setTimeout(() => stop("timeout"), Math.min(options.timeoutMs, LONGEST_TIMER_MS));
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  return {
    gaveUp,
    async settle() {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      await killing;
      return { timedOut: why === "timeout", aborted: why === "abort" };
    },
  };
}

async function assertRunnable(
  command: readonly string[],
  options: CommandOptions & { env: Record<string, string> },
): Promise<void> {
  const program = command[0] ?? "";
  const cwd = options.cwd ?? process.cwd();
  if (!(await stat(cwd).catch(() => undefined))?.isDirectory()) {
    throw new StewardError(
      "command_not_found",
      `'${program}' cannot be run: its working directory ${cwd} does not exist`,
      {
        hint: "Check the path in steward.yml.",
      },
    );
  }
  // a name with a leading dash would be read as an option by some shells' exec
  const places = program.includes("/")
    ? [resolve(cwd, program)]
    : (options.env.PATH ?? "").split(":").map((folder) => join(folder || cwd, program));
  if (program !== "" && !program.startsWith("-")) {
    for (const place of places) if (await isProgram(place)) return;
  }
  throw new StewardError(
    "command_not_found",
    `'${program}' is not a program that can be run${program.includes("/") ? ` from ${cwd}` : " (looked in PATH)"}`,
    {
      hint: "Install it, or name it by its whole path in steward.yml.",
    },
  );
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function minimalEnvironment(from: Record<string, string | undefined>): Record<string, string> {
  const kept: Record<string, string> = { PATH: "/usr/local/bin:/usr/bin:/bin" };
  for (const name of INHERITED) {
    const value = from[name];
    if (value !== undefined && value !== "") kept[name] = value;
  }
  return kept;
}
