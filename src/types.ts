/**
 * What a plugin is written against: `import type { Plugin } from "steward"`. Types only, since Node refuses TypeScript
 * inside node_modules; whatever a plugin needs at run time it is given.
 */
import type { z } from "zod";
import type { Plan } from "./journal/types.ts";
import type { PlanInput, Runbook } from "./runbooks/runbook.ts";
import type { Check } from "./tasks/checks/check.ts";
import type { Task } from "./tasks/task.ts";

export type { Service } from "./config.ts";
export type { Plan, PlanContext, Reading, Run } from "./journal/types.ts";
export type { Deed, PlanInput, Runbook, RunbookContext, Step } from "./runbooks/runbook.ts";
export type { Check, CheckContext, Measured } from "./tasks/checks/check.ts";
export type { Task, TaskContext, TaskJob } from "./tasks/task.ts";

/** The default export of a plugin's file. */
export interface Plugin {
  runbooks?: readonly PluginRunbook[];
  checks?: readonly PluginCheck[];
  tasks?: readonly Task[];
}

/** A runbook whose plan leaves out its steps: they are those of `steps`. */
export type PluginRunbook = Omit<Runbook, "plan"> & {
  plan(input: PlanInput): Promise<Omit<Plan, "runbook" | "runbookVersion" | "service" | "steps">>;
};

/** A check whose parameters are written with the zod that it is given. */
export type PluginCheck = Omit<Check, "params"> & { params(zod: typeof z): z.ZodObject };
