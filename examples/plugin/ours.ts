/**
 * A team's own runbook, check and task. Name this file in steward.yml: `plugins: [./ours.ts]`.
 * Types are all that is imported; what is needed at run time comes as an argument.
 */
import type { Plugin, PluginCheck, PluginRunbook, Service, Step, Task } from "steward";

/** `/ops clear-cache SERVICE`: puts the cache folder aside, and back when the service does not take it. */
const clearCache: PluginRunbook = {
  name: "clear-cache",
  version: 1,
  help: "Put the service's cache folder aside and restart it.",
  args: [],
  rules: (service) => service.runbooks.restart,
  async plan({ context, service }) {
    return {
      title: `Clear the cache of ${service.id}`,
      from: null,
      to: null,
      risk: "low",
      // what is hashed: an approval is for this folder and no other
      subject: { folder: cacheOf(service) },
      context: {
        commits: [],
        migrations: [],
        backup: "not needed: the cache can be made again",
        readings: (await context.measure(service)).map(({ state, summary }) => ({ state, summary })),
        undo: "the folder comes back",
        warnings: [],
      },
    };
  },
  steps: (_context, _plan, service) => [putAside(service)],
  success: (plan) => `The cache of ${plan.service} is cleared`,
};

function putAside(service: Service): Step {
  const folder = cacheOf(service);
  const aside = `${folder}.aside`;
  return {
    name: "put-aside",
    title: `Put ${folder} aside`,
    commands: [["mv", "--no-target-directory", folder, aside]],
    undo: `Put ${folder} back`,
    // done twice it would put the new, empty folder over the old one
    idempotent: false,
    timeoutMs: 60_000,
    run: (deed) => deed.command(["mv", "--no-target-directory", folder, aside]),
    takeBack: (deed) => deed.command(["mv", "--no-target-directory", aside, folder]),
    // after a crash: was it done already?
    async probe(deed) {
      const { exitCode } = await deed.context.host(service).run(["test", "-d", aside], { timeoutMs: 10_000 });
      return exitCode === 0;
    },
  };
}

function cacheOf(service: Service): string {
  return `${service.repository?.path ?? "."}/cache`;
}

/** `type: cache-size` in a service's checks. */
const cacheSize: PluginCheck = {
  type: "cache-size",
  title: "Size of the cache",
  help: "How many files the service's cache folder holds.",
  component: "application",
  params: (z) => z.object({ folder: z.string(), warning: z.number().default(1_000) }),
  async measure({ params, host, timeoutMs }) {
    const { folder, warning } = params as { folder: string; warning: number };
    const { exitCode, output } = await host.run(["find", folder, "-type", "f"], { timeoutMs });
    // a check that throws reads unknown, never ok
    if (exitCode !== 0) throw new Error(output.trim());
    const files = output.split("\n").filter(Boolean).length;
    return {
      state: files > warning ? "warning" : "ok",
      summary: files > warning ? `cache ${files} files > ${warning} (warning)` : `cache ${files} files`,
      value: files,
      unit: "files",
    };
  },
};

/** `schedules: { remind: … }`: work that reads and tells, and changes nothing. */
const remind: Task = {
  name: "remind",
  title: "Reminder",
  help: "Writes into the log how many services are watched.",
  async run({ config, log }) {
    log.info(`${config.services.length} services are watched`);
  },
};

export default { runbooks: [clearCache], checks: [cacheSize], tasks: [remind] } satisfies Plugin;
