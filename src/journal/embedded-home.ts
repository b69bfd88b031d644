/**
 * Where the embedded Postgres lives, and as whom it runs. Postgres refuses to run as root, so root hands it
 * to an unprivileged user who can enter neither a root-only clone nor root's STEWARD_HOME.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { StewardError } from "../errors.ts";

const run = promisify(execFile);

const ROOT_BASE = "/var/lib/steward";
const SYSTEM_USER = "steward";
const SOCKET_FILE = ".s.PGSQL.5432";
/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing NUL included. */
const MAX_SOCKET_PATH = process.platform === "darwin" ? 103 : 107;

/** A numeric user and group; what `spawn` takes. */
export interface Account {
  uid: number;
  gid: number;
}

export interface EmbeddedHome {
  /** everything below belongs to this STEWARD_HOME alone */
  base: string;
  dataFolder: string;
  socketFolder: string;
  socketPath: string;
  logPath: string;
  /** the account the server runs as; null = the invoking user */
  account: Account | null;
}

/** Works out the folders for a STEWARD_HOME (absolute) and creates them; creates the system user for root. */
export async function prepareHome(home: string): Promise<EmbeddedHome> {
  const isRoot = process.getuid?.() === 0;
  const hash = createHash("sha256").update(home).digest("hex").slice(0, 12);
  const base = isRoot ? join(ROOT_BASE, hash) : join(home, "postgres");
  const dataFolder = join(base, "data");
  await mkdir(base, { recursive: true, mode: isRoot ? 0o755 : 0o700 });
  const account = isRoot ? await accountFor(dataFolder) : null;

  let socketFolder = join(base, "socket");
  if (Buffer.byteLength(join(socketFolder, SOCKET_FILE)) > MAX_SOCKET_PATH) {
    socketFolder = join(tmpdir(), `steward-${hash}`);
  }
  await privateFolder(socketFolder, account);
  return {
    base,
    dataFolder,
    socketFolder,
    socketPath: join(socketFolder, SOCKET_FILE),
    logPath: join(base, "postgres.log"),
    account,
  };
}

/** Creates a folder that only `account` (null = the invoking user) and root can enter. */
export async function privateFolder(folder: string, account: Account | null): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(folder);
  const owner = account?.uid ?? process.getuid?.();
  const ours = found.uid === owner || found.uid === process.getuid?.();
  // Anybody can put a folder into the shared temporary folder: one that isn't ours would let them
  // listen in our server's place.
  if (!found.isDirectory() || !ours) {
    throw new StewardError(
      "postgres_folder",
      `${folder} is meant for the embedded Postgres but belongs to user ${found.uid}, not ${owner}.`,
      { hint: "Remove it, or choose another STEWARD_HOME." },
    );
  }
  await chmod(folder, 0o700);
  if (account) await chown(folder, account.uid, account.gid);
}

/** Data that exist keep their owner; new data go to the system user. */
async function accountFor(dataFolder: string): Promise<Account> {
  const data = await stat(dataFolder).catch(() => null);
  if (data && data.uid !== 0) return { uid: data.uid, gid: data.gid };
  const known = await lookUp(SYSTEM_USER);
  if (known) return known;
  await run("useradd", ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]).catch(
    () => {
      // No useradd here, or another start of ours was quicker: the look-up below tells which.
    },
  );
  const account = (await lookUp(SYSTEM_USER)) ?? (await lookUp("nobody"));
  if (account) return account;
  throw new StewardError(
    "postgres_user",
    "Postgres never runs as root, and neither a user 'steward' nor 'nobody' is to be had.",
    { hint: "Run Steward as an ordinary user, create the system user 'steward', or set DATABASE_URL." },
  );
}

async function lookUp(user: string): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", user]), run("id", ["-g", user])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}
