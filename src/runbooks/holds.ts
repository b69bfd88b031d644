/** What holds planned work back: its own time, the service's windows, freezes, an open incident. Never a cure. */
import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { transaction } from "../journal/database.ts";
import { appendEvent } from "../journal/events.ts";
import { listIncidents } from "../journal/incidents.ts";
import { redrawMessages } from "../journal/messages.ts";
import { listReleases } from "../journal/releases.ts";
import { moveRun } from "../journal/runs.ts";
import type { Plan, Run } from "../journal/types.ts";
import type { Runbook, RunbookContext } from "./runbook.ts";
import { freezeAt, nextAllowed, windowOpen } from "./times.ts";

/** `until` is null where nobody can say. */
export interface Hold {
  reason: string;
  until: Date | null;
}

/** What cannot be told beforehand is looked at again after this time. */
const LOOK_AGAIN_MS = 5_000;
const LOOK_AGAIN_KNOWN_MS = 60_000;

/**
 * Why this run may not start now; null when it may. Breaking the glass for this very plan overrides windows,
 * freezes and incidents; `despite: incident` says that the incident was seen.
 */
export async function holdOf(
  context: RunbookContext,
  runbook: Pick<Runbook, "planned">,
  service: Service,
  run: Pick<Run, "scheduledFor" | "breakGlass" | "planHash" | "args" | "requestedBy">,
  now = new Date(),
): Promise<Hold | null> {
  if (run.scheduledFor && run.scheduledFor > now)
    return { reason: "it was asked for at that time", until: run.scheduledFor };
  if (!runbook.planned || (run.breakGlass && run.breakGlass.planHash === run.planHash)) return null;
  const { config } = context;
  const freeze = freezeAt(config, service, now);
  if (freeze) return { reason: `freeze “${freeze.reason}”`, until: nextAllowed(config, service, now) };
  if (!windowOpen(config.zone, service, now))
    return { reason: `outside the windows of ${service.id}`, until: nextAllowed(config, service, now) };
  const soaking = await soakingRelease(context, service, run.args.version);
  if (soaking)
    return {
      reason: `${soaking.version} is still watched in ${service.after}`,
      until: soaking.watchUntil,
    };
  if (run.args.despite === "incident") return null;
  const [incident] = await listIncidents(context.journal, { open: true, service: service.id });
  return incident ? { reason: `incident ${incident.id} is open: ${incident.title}`, until: null } : null;
}

/** Keeps a queued run waiting, and says why on its card; silent when that stands there already. */
export async function keepHeld(context: RunbookContext, run: Run, hold: Hold): Promise<void> {
  const held = heldOf(hold);
  // a freeze may be lifted and a window moved by a new config, so that nobody waits for what does not hold any more
  const again = new Date(Date.now() + (hold.until ? LOOK_AGAIN_KNOWN_MS : LOOK_AGAIN_MS));
  const notBefore = hold.until && hold.until < again ? hold.until : again;
  const news = run.held?.reason !== held.reason || run.held?.until !== held.until;
  await transaction(context.journal, async (tx) => {
    const moved = await moveRun(tx, run.id, ["queued"], "queued", { held, notBefore });
    if (!moved || !news) return;
    await appendEvent(tx, { kind: "run", id: run.id }, "held", { data: { ...held } });
    await redrawMessages(tx, "run", run.id);
  });
}

/** The hold as the run keeps it. */
export function heldOf(hold: Hold): NonNullable<Run["held"]> {
  return { reason: hold.reason, until: hold.until?.toISOString() ?? null };
}

/**
 * A version comes to this environment only after it came through the one before. Throws `staging_first` when it
 * does not run there, `staging_bad` when it did not come through; one that is still watched is a hold instead.
 */
export async function assertStaged(context: RunbookContext, service: Service, plan: Plan): Promise<void> {
  if (!service.after || plan.to === null) return;
  const before = `${service.name}@${service.after}`;
  const release = (await listReleases(context.journal, before, 50)).find(
    ({ version }) => version === plan.to,
  );
  if (!release) {
    throw new StewardError("staging_first", `${plan.to} has not run in ${service.after} yet`, {
      hint: `/ops ${plan.runbook} ${before} ${plan.to}; Steward then asks for ${service.id} by itself.`,
    });
  }
  if (release.watch === "bad") {
    throw new StewardError("staging_bad", `${plan.to} did not come through in ${service.after}`, {
      hint: "Release a version that does, or show there that this one does: update it again.",
    });
  }
}

async function soakingRelease(context: RunbookContext, service: Service, version: string | undefined) {
  if (!service.after) return undefined;
  const [newest] = await listReleases(context.journal, `${service.name}@${service.after}`, 1);
  return newest?.watch === "watching" && (version === undefined || newest.version === version)
    ? newest
    : undefined;
}
