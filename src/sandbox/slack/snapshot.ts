/** Keeps the world's snapshot in a file: written soon after a change, whole or not at all. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { StewardError } from "../../errors.ts";
import type { Change } from "./types.ts";
import type { Snapshot, World } from "./world.ts";

const WRITE_AFTER_MS = 200;

export interface SnapshotKeeper {
  /** Writes what is unwritten and stops listening. */
  stop(): Promise<void>;
}

/** Reads the file, if there is one, into the world, and from then on writes it after changes. */
export async function keepSnapshot(world: World, file: string): Promise<SnapshotKeeper> {
  const before = await read(file);
  if (before) world.restore(before);
  await mkdir(path.dirname(file), { recursive: true });
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  const write = () => {
    timer = undefined;
    writing = writing.catch(() => undefined).then(() => replace(file, JSON.stringify(world.snapshot())));
    return writing;
  };
  const forget = world.onChange((change) => {
    if (isKept(change)) timer ??= setTimeout(() => void write().catch(reportLost), WRITE_AFTER_MS);
  });
  return {
    async stop() {
      forget();
      clearTimeout(timer);
      await writing.catch(() => undefined);
      await replace(file, JSON.stringify(world.snapshot()));
    },
  };
}

async function read(file: string): Promise<Snapshot | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const snapshot = JSON.parse(text) as Snapshot;
    if (snapshot.version === 1) return snapshot;
  } catch {
    // said below, as for a version of another time
  }
  throw new StewardError("sandbox_state_unreadable", `The sandbox's messages in '${file}' cannot be read.`, {
    hint: `Remove '${file}' to start with empty channels.`,
  });
}

function isKept(change: Change): boolean {
  if (change.type === "message") return !change.message.ephemeralFor;
  return change.type === "deleted" || change.type === "channel";
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}

/** A full disk must not end the stand-in: the next change writes again. */
function reportLost(error: unknown): void {
  process.stderr.write(`sandbox: messages were not saved: ${(error as Error).message}\n`);
}
