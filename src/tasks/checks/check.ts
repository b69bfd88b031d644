import type { z } from "zod";
import type { Service } from "../../config.ts";
import type { Component, Json, ReadingState } from "../../journal/types.ts";
import type { Host } from "../../targets/host.ts";

/** What a check found. `summary` says what was observed against what is allowed: `cpu 93 % > 90 % (critical)`. */
export interface Measured {
  state: ReadingState;
  summary: string;
  value: number | null;
  unit: string;
  evidence?: Record<string, Json>;
}

export interface CheckContext<Params> {
  service: Service;
  params: Params;
  host: Host;
  signal: AbortSignal;
  /** the check's own time; it is cut off from outside shortly after */
  timeoutMs: number;
}

/**
 * One kind of measurement: data plus one function. To add one: a file like its neighbours, a line in
 * index.ts. `measure` may throw: that reads `unknown`, never ok.
 */
export interface Check<Schema extends z.ZodObject = z.ZodObject> {
  type: string;
  title: string;
  help: string;
  component: Component;
  /** what may stand beside `type` in the config; every parameter has a default */
  params: Schema;
  measure(context: CheckContext<z.output<Schema>>): Promise<Measured>;
}
