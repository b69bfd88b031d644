/** A team's own runbooks, checks and tasks: loaded before the config is read, since it speaks of them. */
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { Units } from "./config.ts";
import { type Environment, readPluginPaths } from "./config.ts";
import { StewardError } from "./errors.ts";
import { runbooks } from "./runbooks/index.ts";
import { planSteps, type Runbook } from "./runbooks/runbook.ts";
import type { Check } from "./tasks/checks/check.ts";
import { addChecks, checkUnits } from "./tasks/checks/index.ts";
import { addTasks, taskNames } from "./tasks/index.ts";
import type { Task } from "./tasks/task.ts";
import type { Plugin, PluginRunbook } from "./types.ts";

const KINDS = ["runbooks", "checks", "tasks"];

/** What a config may speak of, and the runbooks there are: Steward's own and the plugins'. */
export interface Loaded {
  units: Units;
  runbooks: readonly Runbook[];
}

/**
 * Loads the plugins that the config names. Throws `plugin_invalid` naming the file and what is wrong with it: one that
 * cannot be loaded, that exports something else, or whose name is taken.
 */
export async function loadPlugins(environment: Environment): Promise<Loaded> {
  const added: Runbook[] = [];
  for (const path of await readPluginPaths(environment)) {
    const plugin = await readPlugin(path);
    const own = (plugin.runbooks ?? []).map((runbook) => completed(runbook));
    const taken = new Set([...runbooks, ...added].map(({ name }) => name));
    refuseTwins(
      path,
      "runbook",
      own.map(({ name }) => name),
      taken,
    );
    added.push(...own);
    const checks = (plugin.checks ?? []).map(
      ({ params, ...check }): Check => ({ ...check, params: params(z) }) as Check,
    );
    refuseTwins(
      path,
      "check",
      checks.map(({ type }) => type),
      new Set(Object.keys(checkUnits())),
    );
    addChecks(checks);
    const tasks: readonly Task[] = plugin.tasks ?? [];
    refuseTwins(
      path,
      "task",
      tasks.map(({ name }) => name),
      new Set(taskNames()),
    );
    addTasks(tasks);
  }
  return { units: { checks: checkUnits(), tasks: taskNames() }, runbooks: [...runbooks, ...added] };
}

async function readPlugin(path: string): Promise<Plugin> {
  const module = (await import(pathToFileURL(path).href).catch((cause: Error) => {
    throw invalid(path, `cannot be loaded: ${cause.message.split("\n")[0]}`, cause);
  })) as { default?: unknown };
  const plugin = module.default;
  if (typeof plugin !== "object" || plugin === null || Array.isArray(plugin))
    throw invalid(path, `exports no plugin; allowed: export default { ${KINDS.join(", ")} }`);
  for (const [kind, list] of Object.entries(plugin)) {
    if (!KINDS.includes(kind)) throw invalid(path, `has '${kind}'; allowed: ${KINDS.join(", ")}`);
    const complete = (one: unknown) => isMap(one) && NEEDS[kind]!.every((name) => one[name] !== undefined);
    if (!Array.isArray(list) || !list.every(complete))
      throw invalid(path, `${kind} is no list of maps that have ${NEEDS[kind]!.join(", ")}`);
  }
  return plugin as Plugin;
}

/** What each kind cannot do without. */
const NEEDS: Record<string, string[]> = {
  runbooks: ["name", "version", "help", "args", "rules", "plan", "steps", "success"],
  checks: ["type", "title", "help", "component", "params", "measure"],
  tasks: ["name", "title", "help", "run"],
};

/** The steps are shown as the plan's and carried out as the runbook's: from one source, so that they cannot differ. */
function completed(runbook: PluginRunbook): Runbook {
  return {
    ...runbook,
    async plan(input) {
      const worked = await runbook.plan(input);
      return { ...worked, steps: planSteps(runbook.steps(input.context, worked, input.service)) };
    },
  };
}

function refuseTwins(path: string, what: string, names: string[], taken: Set<string>): void {
  for (const name of names) {
    if (taken.has(name) || !/^[a-z][a-z0-9-]{0,39}$/.test(name))
      throw invalid(
        path,
        `has a ${what} '${name}': the name is taken, or not of lower-case letters, digits and -`,
      );
    taken.add(name);
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function invalid(path: string, why: string, cause?: Error): StewardError {
  return new StewardError("plugin_invalid", `The plugin ${path} ${why}`, {
    hint: "examples/plugin shows one. Plugins import nothing of Steward but types.",
    ...(cause ? { cause } : {}),
  });
}
