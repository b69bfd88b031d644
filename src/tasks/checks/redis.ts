import { z } from "zod";
import { StewardError } from "../../errors.ts";
import { measureRedis } from "../../targets/redis.ts";
import type { Check, Measured } from "./check.ts";
import { judge, latencyThresholds, seconds } from "./threshold.ts";

const params = z.object(latencyThresholds(0.1, 1));

export const redis: Check<typeof params> = {
  type: "redis",
  title: "Redis",
  help: "Whether the service's Redis answers, and how fast.",
  component: "cache",
  params,
  async measure({ service, params, timeoutMs }): Promise<Measured> {
    if (!service.redis)
      throw new StewardError("check_incomplete", "a redis check needs the service's redis.url");
    try {
      const { version, latencyMs, usedMemory, maxMemory } = await measureRedis(service.redis.url, timeoutMs);
      return {
        ...judge("redis answers in", latencyMs / 1000, params, seconds),
        value: latencyMs / 1000,
        unit: "s",
        evidence: { version, usedMemory, maxMemory },
      };
    } catch (error) {
      // a refused login tells of our own password, not of the server's health
      if (!(error instanceof StewardError) || error.code === "redis_login") throw error;
      return {
        state: "critical",
        summary: `${error.message} (critical)`,
        value: null,
        unit: "s",
        evidence: { error: error.code },
      };
    }
  },
};
