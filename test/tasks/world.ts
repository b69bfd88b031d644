/** What the tests of tasks share: declared services, and a host whose facts are told. */
import { type Config, parseConfig, readEnvironment, type Service } from "../../src/config.ts";
import type { Host, HostFacts } from "../../src/targets/host.ts";
import { checkUnits } from "../../src/tasks/checks/index.ts";
import { taskNames } from "../../src/tasks/index.ts";

/** A config as steward.yml would give it; passwords of URLs come by the environment, as they do there. */
export function configOf(
  services: Record<string, unknown>,
  more: Record<string, unknown> = {},
  variables: Record<string, string> = {},
): Config {
  return parseConfig(
    { slack: { channel: "ops", incidents: "incidents" }, services, ...more },
    readEnvironment(variables),
    { checks: checkUnits(), tasks: taskNames() },
  );
}

export function serviceOf(
  declaration: Record<string, unknown>,
  variables: Record<string, string> = {},
): Service {
  return configOf({ shop: declaration }, {}, variables).services[0]!;
}

const GIB = 1024 ** 3;

/** A host that says it is this full, in percent; nothing can be run on it. */
export function hostWith(
  used: { cpu?: number; memory?: number; disk?: number } = {},
  facts: Partial<HostFacts> = {},
): Host {
  const refuse = () => Promise.reject(new Error("nothing runs on this host"));
  return {
    name: "told",
    facts: {
      cpu: async () => ({ usedPercent: used.cpu ?? 1, cores: 2, intervalMs: 500 }),
      memory: async () => ({ usedPercent: used.memory ?? 1, totalBytes: 8 * GIB, availableBytes: GIB }),
      disk: async () => ({ usedPercent: used.disk ?? 1, totalBytes: 100 * GIB, freeBytes: 9 * GIB }),
      ...facts,
    },
    run: refuse,
    isAlive: refuse,
    killGroup: refuse,
  };
}
