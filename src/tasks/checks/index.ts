import type { z } from "zod";
import type { Check } from "./check.ts";
import { cpu } from "./cpu.ts";
import { disk } from "./disk.ts";
import { http } from "./http.ts";
import { memory } from "./memory.ts";
import { postgres } from "./postgres.ts";
import { redis } from "./redis.ts";
import { version } from "./version.ts";

/** Every kind of check. To add one: its file, and its line here. */
export const checks: readonly Check[] = [cpu, memory, disk, http, version, postgres, redis];

/** The parameters of each type, for the config's schema. */
export const checkUnits: Record<string, z.ZodObject> = Object.fromEntries(
  checks.map((check) => [check.type, check.params]),
);

export function findCheck(type: string): Check | undefined {
  return checks.find((check) => check.type === type);
}
