/** The database files: made once, whole or not at all. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chown, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { StewardError } from "../errors.ts";
import { type Binaries, CLEAN_ENVIRONMENT } from "./embedded-binaries.ts";
import type { EmbeddedHome } from "./embedded-home.ts";
import { isAlive } from "./embedded-process.ts";
import { SUPERUSER } from "./embedded-sql.ts";

const run = promisify(execFile);

/** The major version that the files are of; null when there are none. */
export async function dataMajor(home: EmbeddedHome): Promise<number | null> {
  const text = await readFile(join(home.dataFolder, "PG_VERSION"), "utf8").catch(() => null);
  return text === null ? null : Number.parseInt(text, 10);
}

/** initdb works beside the final place and is moved there whole, so that a killed one leaves no half data. */
export async function createData(
  home: EmbeddedHome,
  binaries: Binaries,
  log: (line: string) => void,
): Promise<void> {
  await removeUnfinished(home);
  if ((await dataMajor(home)) !== null) return;
  log(`creating the database files with Postgres ${binaries.major}`);
  const unfinished = `${home.dataFolder}.new-${process.pid}-${randomUUID().slice(0, 8)}`;
  await mkdir(unfinished, { mode: 0o700 });
  if (home.account) await chown(unfinished, home.account.uid, home.account.gid);
  try {
    // Some systems have no C.UTF-8; C sorts in the same way.
    await initdb(home, binaries, unfinished, "C.UTF-8").catch(() => initdb(home, binaries, unfinished, "C"));
    await rename(unfinished, home.dataFolder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if ((await dataMajor(home)) !== null) return;
    throw new StewardError("postgres_start", `Postgres could not create its files in ${home.dataFolder}.`, {
      hint: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}

async function initdb(home: EmbeddedHome, binaries: Binaries, folder: string, locale: string): Promise<void> {
  const args = ["-D", folder, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", `--locale=${locale}`];
  await run(join(binaries.folder, "initdb"), args, {
    ...(home.account ?? {}),
    cwd: "/",
    env: CLEAN_ENVIRONMENT,
  });
}

async function removeUnfinished(home: EmbeddedHome): Promise<void> {
  for (const name of await readdir(home.base)) {
    const pid = /^data\.new-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) {
      await rm(join(home.base, name), { recursive: true, force: true });
    }
  }
}
