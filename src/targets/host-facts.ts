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

/** Where a host's figures are read. Times of the cores are sums since the boot, in any unit. */
export interface FactSource {
  cores(signal?: AbortSignal): Promise<{ idle: number; all: number }[]>;
  memory(): Promise<{ totalBytes: number; availableBytes: number }>;
  disk(path: string): Promise<{ usedBytes: number; freeBytes: number }>;
}

const SAMPLE_MS = 500;
const OLDEST_SAMPLE_MS = 120_000;
const NEWEST_SAMPLE_MS = 1_000;

interface CpuSample {
  at: number;
  cores: number;
  busy: number;
  all: number;
}

/** The facts of this machine. */
export function localFacts(): HostFacts {
  return factsFrom({
    cores: async () =>
      cpus().map(({ times }) => ({
        idle: times.idle,
        all: times.user + times.nice + times.sys + times.idle + times.irq,
      })),
    memory: async () =>
      parseMeminfo(await readFile("/proc/meminfo", "utf8").catch(() => "")) ?? {
        totalBytes: totalmem(),
        availableBytes: freemem(),
      },
    disk: async (path) => {
      const { bsize, blocks, bfree, bavail } = await statfs(path);
      return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
    },
  });
}

/** The facts of a host whose figures are read through `source`. */
export function factsFrom(source: FactSource): HostFacts {
  let last: CpuSample | undefined;
  return {
    async cpu(signal) {
      const ageMs = last ? performance.now() - last.at : Number.POSITIVE_INFINITY;
      let from = last;
      if (!from || ageMs < NEWEST_SAMPLE_MS || ageMs > OLDEST_SAMPLE_MS) {
        from = await sampleCpu(source, signal);
        await pause(SAMPLE_MS, undefined, { signal });
      }
      const to = await sampleCpu(source, signal);
      last = to;
      const all = to.all - from.all;
      return {
        usedPercent: all > 0 ? (100 * (to.busy - from.busy)) / all : 0,
        cores: to.cores,
        intervalMs: Math.round(to.at - from.at),
      };
    },
    async memory() {
      const { totalBytes, availableBytes } = await source.memory();
      return { usedPercent: 100 * (1 - availableBytes / totalBytes), totalBytes, availableBytes };
    },
    async disk(path) {
      const { usedBytes, freeBytes } = await source.disk(path);
      const totalBytes = usedBytes + freeBytes;
      return { usedPercent: totalBytes > 0 ? (100 * usedBytes) / totalBytes : 0, totalBytes, freeBytes };
    },
  };
}

/** /proc/meminfo; undefined when it is none. */
export function parseMeminfo(text: string): { totalBytes: number; availableBytes: number } | undefined {
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
  const totalBytes = bytes("MemTotal");
  const availableBytes = bytes("MemAvailable");
  return totalBytes > 0 && availableBytes >= 0 ? { totalBytes, availableBytes } : undefined;
}

/** The cores of /proc/stat, counted as `os.cpus()` counts them: user, nice, system, idle, irq. */
export function parseCores(text: string): { idle: number; all: number }[] {
  return [...text.matchAll(/^cpu\d+ (\d+) (\d+) (\d+) (\d+) \d+ (\d+)/gm)].map((match) => {
    const [user, nice, system, idle, irq] = match.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { idle, all: user + nice + system + idle + irq };
  });
}

/** The one file system that `df -P -k PATH` tells of; undefined when it tells of none. */
export function parseDf(text: string): { usedBytes: number; freeBytes: number } | undefined {
  const match = /\s\d+\s+(\d+)\s+(\d+)\s+(?:\d+%|-)\s+\/.*$/.exec(text.trimEnd().split("\n").at(-1) ?? "");
  return match ? { usedBytes: Number(match[1]) * 1024, freeBytes: Number(match[2]) * 1024 } : undefined;
}

async function sampleCpu(source: FactSource, signal: AbortSignal | undefined): Promise<CpuSample> {
  const cores = await source.cores(signal);
  const sum = (of: "idle" | "all") => cores.reduce((total, core) => total + core[of], 0);
  return { at: performance.now(), cores: cores.length, busy: sum("all") - sum("idle"), all: sum("all") };
}
