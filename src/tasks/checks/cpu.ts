import { z } from "zod";
import type { Check } from "./check.ts";
import { judge, percent, percentThresholds } from "./threshold.ts";

const params = z.object(percentThresholds(80, 90));

export const cpu: Check<typeof params> = {
  type: "cpu",
  title: "CPU",
  help: "How busy the host's cores are together, over the time since the last measurement.",
  component: "host",
  params,
  async measure({ params, host, signal }) {
    const { usedPercent, cores, intervalMs } = await host.facts.cpu(signal);
    return {
      ...judge("cpu", usedPercent, params, percent),
      value: usedPercent,
      unit: "%",
      evidence: { cores, intervalMs },
    };
  },
};
