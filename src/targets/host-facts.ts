import { readFile, statfs } from "node:fs/promises";
import { cpus, freemem, totalmem } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

/** Percent from 0 to 100, sizes in bytes. */
export interface HostFacts {
  /** How busy all cores were, over the time since the last call (1 s to 2 minutes), else over half a second. */
  cpu(signal?: AbortSignal): Promise<{ usedPercent: number; cores: number; intervalMs: number }>;
  /** What programs could still get (MemAvailable), not what happens to be empty. */
  memory(): Promise<{ usedPercent: number; totalBytes: number; availableBytes: number }>;
  /** As `df` counts: of what everyone but root may use. */
  disk(path: string): Promise<{ usedPercent: number; totalBytes: number; freeBytes: number }>;
}

const SAMPLE_MS = 500;
const OLDEST_SAMPLE_MS = 120_000;
const NEWEST_SAMPLE_MS = 1_000;

interface CpuSample {
  at: number;
  busy: number;
  all: number;
}

export function localFacts(): HostFacts {
  let last: CpuSample | undefined;
  return {
    async cpu(signal) {
      const ageMs = last ? performance.now() - last.at : Number.POSITIVE_INFINITY;
      let from = last;
      if (!from || ageMs < NEWEST_SAMPLE_MS || ageMs > OLDEST_SAMPLE_MS) {
        from = sampleCpu();
        await pause(SAMPLE_MS, undefined, { signal });
      }
      const to = sampleCpu();
      last = to;
      const all = to.all - from.all;
      return {
        usedPercent: all > 0 ? (100 * (to.busy - from.busy)) / all : 0,
        cores: cpus().length,
        intervalMs: Math.round(to.at - from.at),
      };
    },
    async memory() {
      const { totalBytes, availableBytes } = (await readMeminfo()) ?? {
        totalBytes: totalmem(),
        availableBytes: freemem(),
      };
      return { usedPercent: 100 * (1 - availableBytes / totalBytes), totalBytes, availableBytes };
    },
    async disk(path) {
      const { bsize, blocks, bfree, bavail } = await statfs(path);
      const used = blocks - bfree;
      const usable = used + bavail;
      return {
        usedPercent: usable > 0 ? (100 * used) / usable : 0,
        totalBytes: usable * bsize,
        freeBytes: bavail * bsize,
      };
    },
  };
}

function sampleCpu(): CpuSample {
  let idle = 0;
  let all = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { at: performance.now(), busy: all - idle, all };
}

async function readMeminfo(): Promise<{ totalBytes: number; availableBytes: number } | undefined> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
  const totalBytes = bytes("MemTotal");
  const availableBytes = bytes("MemAvailable");
  return totalBytes > 0 && availableBytes >= 0 ? { totalBytes, availableBytes } : undefined;
}
