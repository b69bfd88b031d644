/** Installs what tests need where that is possible: Debian's apt as root, or with passwordless sudo. */
import { execFile } from "node:child_process";
import { mkdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

const LOCK = join(tmpdir(), `steward-apt-${process.getuid?.() ?? 0}.lock`);
const LOCK_IS_STALE_MS = 900_000;

/** Services are not to start themselves at their installation: the tests start their own. */
const SCRIPT = `
set -e
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q -o DPkg::Lock::Timeout=300
apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
`;

/**
 * Returns `find()`, installing `packages` first when it finds nothing. Throws one clear error that names the
 * packages when they cannot be installed here.
 */
export async function findOrInstall<T>(
  what: string,
  packages: string[],
  find: () => Promise<T | null>,
): Promise<T> {
  const found = await find();
  if (found !== null) return found;
  const reason = await locked(async () => ((await find()) === null ? install(packages) : null));
  const installed = await find();
  if (installed !== null) return installed;
  throw new Error(
    `These tests need ${what}, which is not here${reason ? ` (${reason})` : ""}. Install it with: ` +
      `apt-get install ${packages.join(" ")}`,
  );
}

/** The path of a program on PATH or in the usual folders, or null. */
export async function programPath(...names: string[]): Promise<string | null> {
  for (const name of names) {
    for (const folder of [
      ...(process.env.PATH ?? "").split(":"),
      "/usr/bin",
      "/usr/sbin",
      "/usr/local/bin",
    ]) {
      const path = join(folder, name);
      if ((await stat(path).catch(() => null))?.isFile()) return path;
    }
  }
  return null;
}

/** null = installed; else why not. */
async function install(packages: string[]): Promise<string | null> {
  if (!(await programPath("apt-get"))) return "there is no apt-get here";
  const command = ["sh", "-c", SCRIPT, "sh", ...packages];
  if (process.getuid?.() !== 0) {
    const sudo = await run("sudo", ["-n", "true"]).catch(() => null);
    if (!sudo) return "installing needs root or passwordless sudo";
    command.unshift("sudo", "-n");
  }
  const [program = "sh", ...args] = command;
  try {
    await run(program, args, { timeout: 600_000, maxBuffer: 50_000_000 });
    return null;
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    return `apt-get failed: ${(stderr.trim() || message).split("\n").slice(-3).join(" ")}`;
  }
}

/** Test files run side by side in processes of their own; apt has to run once. */
async function locked<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      await mkdir(LOCK);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const taken = await stat(LOCK).catch(() => null);
      if (taken && Date.now() - taken.mtimeMs > LOCK_IS_STALE_MS)
        await rm(LOCK, { recursive: true, force: true });
      await pause(250);
    }
  }
  try {
    return await action();
  } finally {
    await rm(LOCK, { recursive: true, force: true });
  }
}
