import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, BenchContext } from "./bench.ts";
import { type App, startHouse } from "./house.ts";
import { median, table } from "./table.ts";

const MOST_MB = 150;
const SAMPLES = 10;

/** Resident memory of Steward's process alone, with the sandbox's config: six checks of one service. */
export const idle: Bench = {
  name: "idle",
  help: "resident memory of Steward idle, without Postgres and sandbox, beside a bare Bolt app",
  aim: `<= ${MOST_MB} MB`,
  async run({ long, print }: BenchContext) {
    const house = await startHouse(["steward", "bolt"]);
    try {
      const bolt = await house.startBolt("bolt");
      // the first start after an installation compiles, which later ones need not
      await (await house.startSteward()).stop();
      const steward = await house.startSteward();
      await pause((long ? 300 : 30) * 1_000 - SAMPLES * 1_000);
      const [stewardMb, boltMb] = await residentMb([steward, bolt]);
      const rows = [
        ["Steward", stewardMb!.toFixed(0), (await peakMb(steward)).toFixed(0)],
        ["Bolt alone", boltMb!.toFixed(0), (await peakMb(bolt)).toFixed(0)],
      ];
      print(table(["process", "RSS MB", "peak MB"], rows));
      return { figure: `${stewardMb!.toFixed(0)} MB`, reached: stewardMb! <= MOST_MB };
    } finally {
      await house.close();
    }
  },
};

/** The median of one sample a second, for each. */
async function residentMb(apps: App[]): Promise<number[]> {
  const samples: number[][] = apps.map(() => []);
  for (let count = 0; count < SAMPLES; count += 1) {
    await pause(1_000);
    for (const [index, app] of apps.entries()) samples[index]!.push(await statusMb(app, "VmRSS"));
  }
  return samples.map(median);
}

function peakMb(app: App): Promise<number> {
  return statusMb(app, "VmHWM");
}

/** MB are 2^20 bytes here. Linux alone tells both. */
async function statusMb({ pid }: App, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1];
  if (!kilobytes) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(kilobytes) / 1024;
}
