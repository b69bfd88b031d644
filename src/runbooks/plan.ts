import { createHash } from "node:crypto";
import type { Service } from "../config.ts";
import type { Json, Plan, Run } from "../journal/types.ts";
import type { Runbook, RunbookContext } from "./runbook.ts";

/** Works out the plan of a run, and its hash. Changes nothing but Steward's own mirror. */
export async function computePlan(
  context: RunbookContext,
  runbook: Runbook,
  service: Service,
  run: Pick<Run, "args" | "settles">,
): Promise<{ plan: Plan; hash: string }> {
  const worked = await runbook.plan({ context, service, args: run.args });
  const plan: Plan = {
    runbook: runbook.name,
    runbookVersion: runbook.version,
    service: service.id,
    ...worked,
    // where it is done is part of what will be done
    subject: { ...worked.subject, ...placesOf(context, service) },
  };
  return { plan, hash: hashPlan(plan, run.args, run.settles) };
}

function placesOf(context: RunbookContext, service: Service): Plan["subject"] {
  if (service.fleet)
    return { hosts: service.fleet.hosts.map(({ name }) => context.host(service, name).name) };
  return service.host === "local" ? {} : { host: context.host(service).name };
}

/**
 * sha256 over all that will be done: runbook and version, steps and exact commands, versions, and the
 * plan's subject (commits, migrations, fields of the declaration). Readings, ages and warnings are left
 * out: they move all the time and are preconditions instead.
 */
export function hashPlan(plan: Plan, args: Record<string, string>, settles: Run["settles"] = null): string {
  const done = {
    runbook: plan.runbook,
    version: plan.runbookVersion,
    service: plan.service,
    args,
    from: plan.from,
    to: plan.to,
    steps: plan.steps,
    subject: plan.subject,
    ...(settles ? { settles } : {}),
  };
  return createHash("sha256")
    .update(canonical(done as unknown as Json))
    .digest("hex");
}

/** What differs between two plans, in words for the card that asks again. */
export function planDifferences(before: Plan, after: Plan): string[] {
  const differences: string[] = [];
  if (before.from !== after.from)
    differences.push(`running version was ${before.from ?? "unknown"}, is ${after.from ?? "unknown"}`);
  if (before.to !== after.to) differences.push(`target was ${before.to ?? "none"}, is ${after.to ?? "none"}`);
  for (const key of new Set([...Object.keys(before.subject), ...Object.keys(after.subject)])) {
    const [was, is] = [before.subject[key], after.subject[key]].map((value) => canonical(value ?? null));
    if (was !== is) differences.push(`${key} was ${shorten(was!)}, is ${shorten(is!)}`);
  }
  const steps = (plan: Plan) => plan.steps.map((step) => canonical(step as unknown as Json));
  const [was, is] = [steps(before), steps(after)];
  const changed = after.steps.filter((_, index) => !was.includes(is[index]!)).map((step) => step.title);
  const gone = before.steps.filter((_, index) => !is.includes(was[index]!)).map((step) => step.title);
  if (changed.length || gone.length)
    differences.push(`steps changed: ${[...new Set([...changed, ...gone])].join(", ")}`);
  else if (was.join() !== is.join()) differences.push("the order of the steps changed");
  return differences.length ? differences : ["the runbook itself changed"];
}

/** JSON with keys in order, so that equal data hashes alike. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    const entries = Object.keys(value)
      .sort()
      .filter((key) => value[key] !== undefined)
      .map((key) => `${JSON.stringify(key)}:${canonical(value[key]!)}`);
    return `{${entries.join(",")}}`;
  }
  return JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
