import { z } from "zod";
import type { Check } from "./check.ts";
import { bytes, judge, percent, percentThresholds } from "./threshold.ts";

const params = z.object(percentThresholds(80, 90));

export const memory: Check<typeof params> = {
  type: "memory",
  title: "Memory",
  help: "Memory that programs cannot get any more: all but what the kernel calls available.",
  component: "host",
  params,
  async measure({ params, host }) {
    const { usedPercent, totalBytes, availableBytes } = await host.facts.memory();
    return {
      ...judge("memory", usedPercent, params, percent, ` of ${bytes(totalBytes)}`),
      value: usedPercent,
      unit: "%",
      evidence: { totalBytes, availableBytes },
    };
  },
};
