import { z } from "zod";
import type { ReadingState } from "../../journal/types.ts";

/** Above `warning` is a warning, above `critical` is critical. */
export interface Thresholds {
  warning: number;
  critical: number;
}

/** Parameters `warning` and `critical` of a percentage. */
export function percentThresholds(warning: number, critical: number) {
  return {
    warning: z.number().min(0).max(100).default(warning).describe("percent above which it is a warning"),
    critical: z.number().min(0).max(100).default(critical).describe("percent above which it is critical"),
  };
}

/** Parameters `warning` and `critical` of a latency, in seconds. */
export function latencyThresholds(warningSeconds: number, criticalSeconds: number) {
  return {
    warning: z.number().positive().default(warningSeconds).describe("seconds above which it is a warning"),
    critical: z.number().positive().default(criticalSeconds).describe("seconds above which it is critical"),
  };
}

/**
 * Judges a value and words it: `cpu 93 % > 90 % (critical)`, or just `cpu 23 %` when all is well.
 * The words are rounded, the judgement is not; `suffix` comes after the value: ` of /data`.
 */
export function judge(
  what: string,
  value: number,
  thresholds: Thresholds,
  show: (value: number) => string,
  suffix = "",
): { state: ReadingState; summary: string } {
  const state: ReadingState =
    value > thresholds.critical ? "critical" : value > thresholds.warning ? "warning" : "ok";
  const observed = `${what} ${show(value)}${suffix}`;
  if (state === "ok") return { state, summary: observed };
  const limit = show(thresholds[state]);
  // rounded to the limit itself it would read as if nothing were wrong
  if (show(value) === limit) return { state, summary: `${what} just over ${limit}${suffix} (${state})` };
  return { state, summary: `${observed} > ${limit} (${state})` };
}

export function percent(value: number): string {
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} %`;
}

/** 0.0124 → `12 ms`, 3.21 → `3.2 s`. */
export function seconds(value: number): string {
  return value < 1 ? `${Math.max(1, Math.round(value * 1000))} ms` : `${Math.round(value * 10) / 10} s`;
}

export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  const scaled = value / 1024 ** power;
  return `${scaled < 10 && power > 0 ? Math.round(scaled * 10) / 10 : Math.round(scaled)} ${units[power]}`;
}
