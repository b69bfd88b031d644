import type { Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import type { Check } from "./check.ts";
import { checkUnits, findCheck } from "./index.ts";

/** As many bad readings (`k`) out of the last `n` settle it as bad, `good` good ones in a row as ok again. */
export interface SettleRule {
  bad: { k: number; n: number };
  good: number;
}

/** A check as it is carried out for one service; `name` is unique within the service. */
export interface PlannedCheck extends SettleRule {
  service: Service;
  name: string;
  check: Check;
  params: Record<string, unknown>;
  everyMs: number;
  timeoutMs: number;
}

/** What every declaration may say beside its type's own parameters; durations in milliseconds. */
interface Declaration {
  type: string;
  name?: string;
  every?: number;
  timeout?: number;
  bad?: { k: number; n: number };
  good?: number;
  [param: string]: unknown;
}

const EVERY_MS = 30_000;
const TIMEOUT_MS = 5_000;

/** The checks that the service declares, else those that follow from what it consists of. */
export function declaredChecks(service: Service): PlannedCheck[] {
  const declarations = (service.checks as Declaration[] | undefined) ?? derived(service);
  const taken = new Set(declarations.flatMap((declaration) => declaration.name ?? []));
  return declarations.map((declaration) => {
    const { type, name, every, timeout, bad, good, ...params } = declaration;
    const check = findCheck(type);
    if (!check)
      throw new StewardError(
        "unknown_check",
        `Unknown check '${type}'; known: ${Object.keys(checkUnits()).join(", ")}`,
      );
    return {
      service,
      name: name ?? freeName(type, taken),
      check,
      params,
      everyMs: every ?? EVERY_MS,
      timeoutMs: timeout ?? TIMEOUT_MS,
      bad: bad ?? { k: 2, n: 3 },
      good: good ?? 3,
    };
  });
}

function derived(service: Service): Declaration[] {
  const types = ["cpu", "memory", "disk"];
  if (service.health) types.push("http");
  if (service.health?.version) types.push("version");
  if (service.database) types.push("postgres");
  if (service.redis) types.push("redis");
  return types.map((type) => ({ ...findCheck(type)!.params.parse({}), type }));
}

function freeName(type: string, taken: Set<string>): string {
  let name = type;
  for (let number = 2; taken.has(name); number += 1) name = `${type}-${number}`;
  taken.add(name);
  return name;
}
