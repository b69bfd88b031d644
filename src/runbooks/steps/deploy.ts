/** Code, dependencies, what has to happen in between, and the restart: on one host, or host by host over a fleet. */
import type { RunbookRules, Service } from "../../config.ts";
import type { FleetPlan } from "../lanes.ts";
import type { RunbookContext, Step } from "../runbook.ts";
import { checkoutStep, installStep, type Standpoint } from "./code.ts";
import { restartService, restartStep } from "./restart.ts";
import { readingsTitle, verifyService } from "./verify.ts";

type Host = NonNullable<Service["fleet"]>["hosts"][number];

export interface Deployment {
  from: Standpoint & { commit: string };
  /** without a commit it is the one that an earlier step made and remembered */
  to: Standpoint;
  /** once, between the code and the restart: tests, migrations */
  middle: Step[];
  rules: RunbookRules;
}

/** The steps from the old code to the restarted new one. */
export function deploySteps(
  context: Pick<RunbookContext, "mirrors" | "host">,
  service: Service,
  { from, to, middle, rules }: Deployment,
): Step[] {
  const code = [
    checkoutStep(context, service, { from, to }),
    ...(service.commands.install ? [installStep(service)] : []),
  ];
  if (!service.fleet) return [...code, ...middle, restartStep(service)];
  return fleetSteps(service, { code: [hostWayBackStep(service, from), ...code], middle, rules });
}

/** The restart alone, over a fleet in its batches. */
export function restartSteps(service: Service, rules: RunbookRules): Step[] {
  return service.fleet ? fleetSteps(service, { code: [], middle: [], rules }) : [restartStep(service)];
}

/** What of the fleet is part of the plan. A database that was migrated cannot serve two versions for long. */
export function fleetPlan(service: Service, migrates: boolean): { fleet?: FleetPlan } {
  if (!service.fleet) return {};
  const { strategy, batch, maxFailures, undo, hosts } = service.fleet;
  return {
    fleet: {
      strategy,
      batch,
      maxFailures: migrates ? 0 : maxFailures,
      undo: migrates ? "all" : undo,
      hosts: hosts.map(({ name }) => name),
    },
  };
}

/** Host by host: each batch side by side, good readings between batches. */
function fleetSteps(
  service: Service,
  { code, middle, rules }: { code: Step[]; middle: Step[]; rules: RunbookRules },
): Step[] {
  const batches = batchesOf(service);
  const first = batches[0]![0]!;
  // what is done once is done where the new code stands already
  const prepared = middle.length > 0 ? code.map((step) => onHost(step, first)) : [];
  const rolled = batches.flatMap((hosts, index) => [
    ...hosts.flatMap((host) =>
      [...(host === first && prepared.length > 0 ? [] : code), restartStep(service)].map((step) => ({
        ...onHost(step, host),
        batch: index + 1,
      })),
    ),
    ...(index < batches.length - 1 ? [readingsStep(service, rules, index + 1)] : []),
  ]);
  return [...prepared, ...middle, ...rolled];
}

/** The canary is the first host of the first group; a batch never reaches over the end of its group. */
function batchesOf(service: Service): Host[][] {
  const { strategy, batch, hosts } = service.fleet!;
  if (strategy === "all") return [hosts];
  const rest = strategy === "canary" ? hosts.slice(1) : hosts;
  const batches: Host[][] = strategy === "canary" ? [[hosts[0]!]] : [];
  for (const group of Map.groupBy(rest, (host) => host.group).values())
    for (let at = 0; at < group.length; at += batch) batches.push(group.slice(at, at + batch));
  return batches;
}

function onHost(step: Step, { name }: Host): Step {
  return {
    ...step,
    name: `${step.name}:${name}`,
    title: `${step.title} on ${name}`,
    ...(step.undo ? { undo: `${step.undo} on ${name}` } : {}),
    lane: name,
  };
}

/** On the way back the host's former code, checked out again by then, is started again. */
function hostWayBackStep(service: Service, from: Standpoint): Step {
  return {
    name: "way-back",
    title: `Keep the way back to ${from.version ?? "the running commit"}`,
    commands: [],
    undo: `Restart ${from.version ?? "the former version"}`,
    idempotent: true,
    timeoutMs: service.commandTimeout,
    run: async () => {},
    takeBack: (deed) => restartService(deed, service),
  };
}

/** Both versions serve now, so the version that is reported says nothing. */
function readingsStep(service: Service, rules: RunbookRules, after: number): Step {
  return {
    name: `readings-${after}`,
    title: readingsTitle(rules),
    commands: [],
    idempotent: true,
    timeoutMs: rules.goodWithin + 60_000,
    run: (deed) => verifyService(deed, service, rules, null),
  };
}
