import type { RunbookRules, Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import type { Reading } from "../../journal/types.ts";
import type { Deed, Step } from "../runbook.ts";

/** What tells whether the service itself is well; the host's load says nothing about a release. */
const TYPES = ["http", "version", "postgres", "redis"];

export function verifyStep(service: Service, rules: RunbookRules, version: string | null): Step {
  return {
    name: "verify",
    title: readingsTitle(rules),
    commands: [],
    idempotent: true,
    timeoutMs: rules.goodWithin + 60_000,
    // hosts that were left out may answer too, and run what they ran
    run: (deed) => verifyService(deed, service, rules, deed.recall("failedHosts") ? null : version),
  };
}

export function readingsTitle(rules: RunbookRules): string {
  return `Verify by ${rules.good} good readings in a row`;
}

/**
 * Waits for `rules.good` good readings in a row of all the service's own checks, the version it reports
 * included. Throws `verify_failed` with the last bad reading when time is over, or at once when a service
 * that was well turns bad for as many readings in a row.
 */
export async function verifyService(
  deed: Deed,
  service: Service,
  rules: RunbookRules,
  version: string | null,
): Promise<void> {
  const deadline = Date.now() + rules.goodWithin;
  let good = 0;
  let bad = 0;
  let wasWell = false;
  let trouble = "no reading was good";
  for (;;) {
    deed.signal.throwIfAborted();
    const readings = await deed.context.measure(service, TYPES);
    const wrong =
      readings.length === 0 ? `${service.id} has no check that could tell` : firstTrouble(readings, version);
    deed.say(
      `${new Date().toISOString().slice(11, 19)} ${wrong ?? readings.map((reading) => reading.summary).join("; ")}`,
    );
    if (wrong) {
      good = 0;
      bad += 1;
      trouble = wrong;
    } else {
      bad = 0;
      good += 1;
      wasWell = true;
      if (good >= rules.good) return;
    }
    if (readings.length === 0 || Date.now() > deadline || (wasWell && bad >= rules.good)) {
      throw new StewardError("verify_failed", trouble, { hint: "Look at the service's own log." });
    }
    await pause(rules.goodEvery, deed.signal);
  }
}

function firstTrouble(readings: Reading[], version: string | null): string | undefined {
  const bad = readings.find((reading) => reading.state !== "ok");
  if (bad) return bad.summary;
  const reported = readings.find((reading) => reading.type === "version")?.evidence?.version;
  return version !== null && reported !== undefined && reported !== version
    ? `it reports version ${String(reported)}, expected ${version}`
    : undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
