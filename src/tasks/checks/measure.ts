import type { Service } from "../../config.ts";
import type { Reading } from "../../journal/types.ts";
import type { Host } from "../../targets/host.ts";
import type { Measured } from "./check.ts";
import { declaredChecks, type PlannedCheck } from "./declared.ts";

export interface MeasureDeps {
  hostOf(service: Service): Host;
  now?: () => Date;
}

/** How much longer than its own time a check may take before it is cut off: its own verdict is the better one. */
const GRACE_MS = 250;

/**
 * Carries a check out. Always a reading, within its timeout plus a quarter of a second, even if the check
 * throws or hangs: that reads `unknown` with the reason.
 */
export async function measureCheck(
  planned: PlannedCheck,
  deps: MeasureDeps,
  signal: AbortSignal,
): Promise<Reading> {
  const at = (deps.now?.() ?? new Date()).toISOString();
  const began = performance.now();
  const measured = await boundedMeasure(planned, deps, signal);
  return {
    service: planned.service.id,
    check: planned.name,
    type: planned.check.type,
    component: planned.check.component,
    ...measured,
    at,
    durationMs: Math.round(performance.now() - began),
  };
}

/** Measures all checks of a service now, side by side; `only` keeps those of the given types. */
export async function measureService(
  service: Service,
  deps: MeasureDeps,
  options: { only?: readonly string[]; signal?: AbortSignal } = {},
): Promise<Reading[]> {
  const signal = options.signal ?? new AbortController().signal;
  const wanted = declaredChecks(service).filter(
    (planned) => !options.only || options.only.includes(planned.check.type),
  );
  return await Promise.all(wanted.map((planned) => measureCheck(planned, deps, signal)));
}

async function boundedMeasure(
  planned: PlannedCheck,
  deps: MeasureDeps,
  signal: AbortSignal,
): Promise<Measured> {
  const { check, service, params, timeoutMs, name } = planned;
  const cut = new AbortController();
  const stop = () => cut.abort(signal.reason);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`no result within ${timeoutMs / 1000} s`));
    cut.abort();
  }, timeoutMs + GRACE_MS);
  cut.signal.addEventListener("abort", () => reject(new Error("the measurement was broken off")), {
    once: true,
  });
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const measuring = (async () =>
      check.measure({ service, params, host: deps.hostOf(service), signal: cut.signal, timeoutMs }))();
    return await Promise.race([measuring, late]);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0]!.slice(0, 300);
    return { state: "unknown", summary: `${name} unknown: ${reason}`, value: null, unit: "" };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
