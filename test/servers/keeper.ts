/**
 * A process of its own that waits for the end of a test run (its standard input closes, whatever ended the
 * run), then ends the run's servers and removes the run's folder. Argument: the folder.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Kept, startTime } from "./run.ts";

const folder = process.argv[2];
if (!folder) throw new Error("usage: keeper.ts FOLDER");

for await (const _ of process.stdin) {
  // nothing is said on it; only its end counts
}
const names = await readdir(join(folder, "kept")).catch(() => []);
await Promise.all(names.map((name) => end(join(folder, "kept", name))));
await rm(folder, { recursive: true, force: true });

async function end(file: string): Promise<void> {
  const kept = JSON.parse(await readFile(file, "utf8")) as Kept;
  if (startTime(kept.pid) === kept.startTime) {
    signal(kept, kept.signal);
    const deadline = Date.now() + 10_000;
    while (startTime(kept.pid) === kept.startTime) {
      if (Date.now() > deadline) signal(kept, "SIGKILL");
      await pause(20);
    }
  }
  for (const left of kept.folders) await rm(left, { recursive: true, force: true });
}

function signal(kept: Kept, name: NodeJS.Signals): void {
  try {
    process.kill(kept.pid, name);
  } catch {
    // it has ended meanwhile
  }
}
