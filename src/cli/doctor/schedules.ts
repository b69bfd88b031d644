import schedule from "node-schedule";
import type { Config } from "../../config.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** When each schedule fires next. */
export function examineSchedules(schedules: Config["schedules"]): Finding[] {
  const entries = Object.entries(schedules).flatMap(([task, entry]) => (entry ? [{ task, ...entry }] : []));
  if (entries.length === 0) return [ok("Schedules", "none declared")];
  return entries.map(({ task, at, zone }) => {
    const check = `Schedule ${task}`;
    const next = nextFiring(at, zone);
    if (!next)
      return problem(
        check,
        `'${at}' never comes`,
        "Use 5 or 6 fields: [second] minute hour day month weekday.",
      );
    const shown = new Intl.DateTimeFormat("en-GB", {
      dateStyle: "medium",
      timeStyle: "medium",
      timeZone: zone,
    }).format(next);
    return ok(check, `next at ${shown} ${zone}`);
  });
}

function nextFiring(rule: string, tz: string): Date | undefined {
  const job = schedule.scheduleJob({ rule, tz }, () => {});
  if (!job) return undefined;
  const next = job.nextInvocation();
  job.cancel();
  return next ? new Date(next.getTime()) : undefined;
}
