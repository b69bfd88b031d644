import { z } from "zod";
import type { Check } from "./check.ts";
import { bytes, judge, percent, percentThresholds } from "./threshold.ts";

const params = z.object({
  path: z.string().startsWith("/").default("/").describe("any path on the file system to measure"),
  ...percentThresholds(80, 90),
});

export const disk: Check<typeof params> = {
  type: "disk",
  title: "Disk",
  help: "How full a file system is, as df counts it for everyone but root.",
  component: "host",
  params,
  async measure({ params, host }) {
    const { usedPercent, totalBytes, freeBytes } = await host.facts.disk(params.path);
    return {
      ...judge(`disk ${params.path}`, usedPercent, params, percent, ` (${bytes(freeBytes)} free)`),
      value: usedPercent,
      unit: "%",
      evidence: { path: params.path, totalBytes, freeBytes },
    };
  },
};
