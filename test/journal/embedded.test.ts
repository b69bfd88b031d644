import { execFile, spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/journal/embedded.ts";
import { prepareHome } from "../../src/journal/embedded-home.ts";
import { findRunning } from "../../src/journal/embedded-process.ts";
import { keep, runFolder, startTime } from "../servers/run.ts";

const run = promisify(execFile);
const MODULE = join(import.meta.dirname, "../../src/journal/embedded.ts");
const isRoot = process.getuid?.() === 0;
const started: EmbeddedPostgres[] = [];
const used: string[] = [];

/** Data that most tests share: making them takes a second. */
let shared: string;

beforeAll(async () => {
  shared = await newHome();
});

afterEach(async () => {
  for (const server of started.splice(0)) {
    await server.stop();
    used.push(server.folder, server.socketFolder);
  }
});

afterAll(async () => {
  for (const folder of used) await rm(folder, { recursive: true, force: true });
});

describe("a fresh server", () => {
  test("listens on a private socket alone, and is durable", async () => {
    const server = await start(await newHome());
    expect(server).toMatchObject({ adopted: false });
    expect(server.version).toBeGreaterThanOrEqual(15);
    const settings = ["listen_addresses", "fsync", "full_page_writes", "server_encoding", "max_connections"];
    const rows = await server.query(
      "postgres",
      "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
      [settings],
    );
    expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
      listen_addresses: "",
      fsync: "on",
      full_page_writes: "on",
      server_encoding: "UTF8",
      max_connections: "100",
    });
    expect((await stat(server.socketFolder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(server.socketFolder, ".s.PGSQL.5432"))).mode & 0o777).toBe(0o700);
  });

  test("takes databases and their owners, also asked for twice and at once", async () => {
    const server = await start(shared);
    const name = 'we"ird name';
    await Promise.all([server.ensureDatabase(name, "some-owner"), server.ensureDatabase(name, "some-owner")]);
    await server.ensureDatabase(name, "some-owner");
    await server.query(name, "CREATE TABLE t (id int)", [], "some-owner");
    const who = "SELECT current_user AS user, current_database() AS database";
    expect(await server.query(name, who, [], "some-owner")).toEqual([{ user: "some-owner", database: name }]);
    if (server.clientFolder) {
      const url = server.url(name, "some-owner");
      const { stdout } = await run(join(server.clientFolder, "pg_dump"), [
        "--schema-only",
        `--dbname=${url}`,
      ]);
      expect(stdout).toContain("CREATE TABLE public.t");
    }
  });

  test("has a socket path that fits, however long its home is", async () => {
    const home = join(await newHome(), "a long 'home' with spaces ".repeat(6).trim());
    const server = await start(home);
    expect(Buffer.byteLength(join(server.socketFolder, ".s.PGSQL.5432"))).toBeLessThanOrEqual(103);
    expect(await server.query("postgres", "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  test.runIf(isRoot)("never runs as root, and works for a home that only root can enter", async () => {
    const home = await newHome();
    await chmod(home, 0o700);
    const server = await start(join(home, ".steward"));
    const status = await readFile(`/proc/${server.pid}/status`, "utf8");
    expect(Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])).not.toBe(0);
    expect((await stat(join(server.folder, "data"))).uid).not.toBe(0);
  });
});

describe("a server that runs already", () => {
  test("is adopted", async () => {
    const home = shared;
    const first = await start(home);
    expect(await start(home)).toMatchObject({ adopted: true, pid: first.pid });
  });

  test("is the same one for several processes that start it at once", async () => {
    const home = await newHome();
    const pids = await Promise.all([startElsewhere(home), startElsewhere(home), startElsewhere(home)]);
    const server = await start(home);
    expect(pids).toEqual([server.pid, server.pid, server.pid]);
  });

  test("does not hear Ctrl-C in the terminal of its starter", async () => {
    const home = shared;
    const starter = startProcess(home, "await new Promise((resolve) => setTimeout(resolve, 60_000))");
    const pid = Number(await firstLine(starter));
    const ended = new Promise((resolve) => starter.once("exit", (_, signal) => resolve(signal)));
    process.kill(-starter.pid!, "SIGINT");
    expect(await ended).toBe("SIGINT");
    expect(await start(home)).toMatchObject({ adopted: true, pid });
  });

  test("stops, and is gone", async () => {
    const server = await start(shared);
    await server.stop();
    expect(startTime(server.pid)).toBeNull();
    await server.stop();
  });
});

describe("a server that was killed", () => {
  test("starts again with everything that was committed", async () => {
    const home = shared;
    const server = await start(home);
    await server.query("postgres", "CREATE TABLE kept AS SELECT generate_series(1, 100) AS id");
    process.kill(server.pid, "SIGKILL");
    const again = await start(home);
    expect(again).toMatchObject({ adopted: false });
    expect(await again.query("postgres", "SELECT count(*)::int AS rows FROM kept")).toEqual([{ rows: 100 }]);
  });

  test("is not robbed of a pid file that it is just about to write", async () => {
    const home = shared;
    const server = await start(home);
    const pidFile = join(server.folder, "data", "postmaster.pid");
    const text = await readFile(pidFile, "utf8");
    await writeFile(pidFile, "");
    const looking = findRunning(await prepareHome(home));
    // as long as a busy machine may take between creating the file and writing it
    await pause(100);
    await writeFile(pidFile, text);
    expect(await looking).toEqual({ state: "ready", pid: server.pid });
    expect(await readFile(pidFile, "utf8")).toBe(text);
  });

  test("starts again when its number was given to another program", async () => {
    const home = shared;
    const server = await start(home);
    const pidFile = join(server.folder, "data", "postmaster.pid");
    const text = await readFile(pidFile, "utf8");
    await server.stop();
    // Of the same user: Postgres itself tells strangers' processes from its own.
    const { uid } = await stat(join(server.folder, "data"));
    const other = spawn("sleep", ["60"], { uid });
    const stale = text.replace(/^\d+/, String(other.pid));
    await writeFile(pidFile, stale);
    await writeFile(join(server.socketFolder, ".s.PGSQL.5432.lock"), stale);
    expect(await start(home)).toMatchObject({ adopted: false });
    other.kill();
  });
});

test("data of another major are left alone, with an error that names both", async () => {
  const home = shared;
  const server = await start(home);
  await server.stop();
  const version = join(server.folder, "data", "PG_VERSION");
  await writeFile(version, "9\n");
  const again = startEmbeddedPostgres({ home });
  await expect(again).rejects.toMatchObject({
    code: "postgres_major",
    message: expect.stringContaining("Postgres 9's"),
  });
  await writeFile(version, `${server.version}\n`);
});

test("a server that cannot start says why at once", async () => {
  const home = shared;
  const again = startEmbeddedPostgres({ home, settings: { max_connections: "none" } });
  await expect(again).rejects.toMatchObject({
    code: "postgres_start",
    hint: expect.stringContaining("max_connections"),
  });
  await start(home);
});

async function newHome(): Promise<string> {
  return mkdtemp(join(await runFolder(), "embedded-"));
}

async function start(home: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ home });
  started.push(server);
  await keep("embedded", server.pid, { signal: "SIGQUIT", folders: [server.folder, server.socketFolder] });
  return server;
}

/** Another process that starts the server, prints its number and then runs `after`. */
function startProcess(home: string, after: string): ReturnType<typeof spawn> {
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(MODULE)});
    console.log((await startEmbeddedPostgres({ home: ${JSON.stringify(home)} })).pid);
    ${after};
  `;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function startElsewhere(home: string): Promise<number> {
  return Number(await firstLine(startProcess(home, "")));
}

async function firstLine(child: ReturnType<typeof spawn>): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout!) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.trim();
}
