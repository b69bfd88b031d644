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
const own: readonly Check[] = [cpu, memory, disk, http, version, postgres, redis];
/** A team's own, from its plugins; added once, before the config is read. */
const added: Check[] = [];

export function addChecks(checks: readonly Check[]): void {
  added.push(...checks);
}

/** The parameters of each type, for the config's schema. */
export function checkUnits(): Record<string, z.ZodObject> {
  return Object.fromEntries([...own, ...added].map((check) => [check.type, check.params]));
}

export function findCheck(type: string): Check | undefined {
  return [...own, ...added].find((check) => check.type === type);
}
