/** Starts the server, or adopts the one that runs. */
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { StewardError } from "../errors.ts";
import { type Binaries, CLEAN_ENVIRONMENT } from "./embedded-binaries.ts";
import type { EmbeddedHome } from "./embedded-home.ts";
import { clearSocketLock, endServer, findRunning } from "./embedded-process.ts";
import { connected, connectionString, SUPERUSER } from "./embedded-sql.ts";

const START_DEADLINE_MS = 60_000;
const POLL_MS = 15;
const RETRY_AFTER_MS = 200;
/** Another caller won the race, or the sessions of a killed server are still ending and hold its memory. */
const PASSES_BY_ITSELF = /lock file .* already exists|shared memory block .* in use|could not bind/i;
const LOG_LIMIT_BYTES = 5_000_000;

interface Started {
  pid: number;
  exited: boolean;
  /** where this start's lines begin in the log */
  logOffset: number;
}

/** Settles when the server answers. Throws `postgres_start` with what it said. */
export async function startOrAdopt(
  home: EmbeddedHome,
  binaries: Binaries,
  settings: Record<string, string>,
  log: (line: string) => void,
): Promise<{ pid: number; adopted: boolean }> {
  const deadline = Date.now() + START_DEADLINE_MS;
  let started: Started | null = null;
  for (;;) {
    const running = await findRunning(home);
    if (running.state === "ready" && (await answers(home))) {
      return { pid: running.pid, adopted: running.pid !== started?.pid };
    }
    if (running.state === "ready" && !(await exists(home.socketPath))) {
      log("the embedded Postgres has lost its socket: starting it again");
      await endServer(home);
    }
    if (running.state === "none" && started === null) {
      started = await spawnServer(home, binaries, settings);
    } else if (running.state === "none" && started?.exited) {
      const said = await linesSince(home.logPath, started.logOffset);
      if (Date.now() > deadline || !PASSES_BY_ITSELF.test(said)) throw cannotStart(home, said);
      await pause(RETRY_AFTER_MS);
      started = null;
    } else if (Date.now() > deadline) {
      throw cannotStart(home, await linesSince(home.logPath, started?.logOffset ?? 0));
    }
    await pause(POLL_MS);
  }
}

async function spawnServer(
  home: EmbeddedHome,
  binaries: Binaries,
  settings: Record<string, string>,
): Promise<Started> {
  const all: Record<string, string> = {
    listen_addresses: "",
    port: "5432",
    unix_socket_directories: `"${home.socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: "0700",
    max_connections: "100",
    timezone: "UTC",
    log_timezone: "UTC",
    log_line_prefix: "%m [%p] %u@%d ",
    ...settings,
  };
  const options = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  await clearSocketLock(home);
  await rotateLog(home.logPath);
  const log = await open(home.logPath, "a", 0o600);
  try {
    const logOffset = (await log.stat()).size;
    // Its own session: Ctrl-C in our terminal is not for it.
    const child = spawn(join(binaries.folder, "postgres"), ["-D", home.dataFolder, ...options], {
      ...(home.account ?? {}),
      cwd: "/",
      env: CLEAN_ENVIRONMENT,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    const server: Started = { pid: child.pid ?? 0, exited: false, logOffset };
    const exited = (): void => {
      server.exited = true;
    };
    child.once("exit", exited);
    child.once("error", exited);
    child.unref();
    return server;
  } finally {
    await log.close();
  }
}

function cannotStart(home: EmbeddedHome, said: string): StewardError {
  return new StewardError("postgres_start", `The embedded Postgres does not start (${home.dataFolder}).`, {
    hint: `${home.logPath} says: ${lastLines(said) || "nothing"}`,
  });
}

async function linesSince(path: string, offset: number): Promise<string> {
  const text = await readFile(path).catch(() => Buffer.alloc(0));
  return text.subarray(offset).toString("utf8");
}

async function rotateLog(path: string): Promise<void> {
  const log = await stat(path).catch(() => null);
  if (log && log.size > LOG_LIMIT_BYTES) await rename(path, `${path}.1`);
}

async function answers(home: EmbeddedHome): Promise<boolean> {
  return connected(connectionString(home, "postgres", SUPERUSER), (client) => client.query("select 1")).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-5).join("\n");
}
