/** From a declaration in the file to the service that the rest of the house knows. */
import { createHash } from "node:crypto";
import type { ServiceFile } from "./schema.ts";

/** A service under care, in one environment. `id` is `name` or `name@environment`. */
export type Service = Omit<ServiceFile, "runbooks" | "fleet"> & {
  id: string;
  name: string;
  environmentName: string | null;
  runbooks: Record<KnownRunbook, RunbookRules>;
  /** several hosts; `host` is then the first of them, where what is done once is done */
  fleet: Fleet | null;
  /** sha256 of the declaration as parsed: what was approved beforehand was approved for this */
  declaration: string;
};

/** Runbooks with rules of their own in the file. */
export type KnownRunbook = keyof ServiceFile["runbooks"];

/** Times in milliseconds; `good` is a count of readings in a row. */
export interface RunbookRules {
  approvals: number;
  expires: number;
  good: number;
  goodEvery: number;
  goodWithin: number;
  /** how long a release is watched afterwards; 0: not at all */
  watch: number;
  /** what a critical check during the watch does: ask for a rollback, or begin it */
  onCritical: "ask" | "undo";
}

/** `local`, or how its host is reached over SSH; paths of files are Steward's own, absolute. */
export type HostDeclaration = ServiceFile["host"];

/** Hosts in the order in which they are rolled over. */
export interface Fleet {
  strategy: "canary" | "rolling" | "all";
  batch: number;
  maxFailures: number;
  undo: "all" | "failed";
  hosts: { name: string; group: string; host: HostDeclaration }[];
}

const DEFAULT_RULES: RunbookRules = {
  approvals: 1,
  expires: 3_600_000,
  good: 3,
  goodEvery: 2_000,
  goodWithin: 120_000,
  watch: 600_000,
  onCritical: "ask",
};

/** `key` is `name` or `name__environment`; `absolute` resolves paths against the file's folder. */
export function serviceOf(key: string, file: ServiceFile, absolute: (path: string) => string): Service {
  const [name, environmentName = null] = key.split("__") as [string, string?];
  const { fleet: declaredFleet, runbooks, ...rest } = file;
  const fleet = declaredFleet ? fleetOf(declaredFleet, absolute) : null;
  const host = fleet?.hosts[0]?.host ?? withAbsoluteFiles(file.host, absolute);
  const over = (base: RunbookRules, own: object | undefined): RunbookRules => ({ ...base, ...own });
  const update = over(DEFAULT_RULES, runbooks.update);
  const withoutWatch = { ...update, watch: 0 };
  const repository = rest.repository && {
    ...rest.repository,
    ...(host === "local" ? { path: absolute(rest.repository.path) } : {}),
    ...(rest.repository.signers === undefined ? {} : { signers: absolute(rest.repository.signers) }),
  };
  return {
    ...rest,
    id: environmentName ? `${name}@${environmentName}` : name,
    name,
    environmentName,
    host,
    fleet,
    ...(repository ? { repository } : {}),
    runbooks: {
      update,
      hotfix: over(update, runbooks.hotfix),
      rollback: over(withoutWatch, runbooks.rollback),
      restart: over(withoutWatch, runbooks.restart),
      release: over(withoutWatch, runbooks.release),
    },
    declaration: createHash("sha256").update(JSON.stringify(file)).digest("hex"),
  };
}

/** The declaration of one host of a service's fleet; without a name, of where the service runs or begins. */
export function hostOf(service: Pick<Service, "host" | "fleet">, lane?: string): HostDeclaration {
  return service.fleet?.hosts.find(({ name }) => name === lane)?.host ?? service.host;
}

function fleetOf(file: NonNullable<ServiceFile["fleet"]>, absolute: (path: string) => string): Fleet {
  const { groups, ...how } = file;
  const hosts = Object.entries(groups).flatMap(([group, members]) =>
    members.map(({ name, ...host }) => ({
      name: name ?? host.ssh,
      group,
      host: withAbsoluteFiles(host, absolute),
    })),
  );
  return { ...how, hosts };
}

/** `~` is left to ssh. */
function withAbsoluteFiles(host: ServiceFile["host"], absolute: (path: string) => string): HostDeclaration {
  if (host === "local") return host;
  const file = (path: string) => (path.startsWith("~/") ? path : absolute(path));
  return {
    ...host,
    ...(host.identity === undefined ? {} : { identity: file(host.identity) }),
    ...(host.knownHosts === undefined ? {} : { knownHosts: file(host.knownHosts) }),
  };
}
