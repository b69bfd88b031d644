import type { Reading } from "../../journal/types.ts";
import type { PlannedCheck } from "../checks/declared.ts";
import { phaseOf } from "./spread.ts";

export interface LoopDeps {
  measure(planned: PlannedCheck, signal: AbortSignal): Promise<Reading>;
  onReading(planned: PlannedCheck, reading: Reading): void;
  onError(error: unknown): void;
}

/** The first measurement comes within this, so that a start or a takeover is not blind for a whole interval. */
const FIRST_WITHIN_MS = 2_000;

/**
 * Measures one check again and again, each time at its turn on a fixed grid: it neither drifts nor overlaps
 * itself, and turns that a slow measurement has slept through are left out. `stop` waits for the one under way.
 */
export function startLoop(planned: PlannedCheck, deps: LoopDeps): { stop(): Promise<void> } {
  const { everyMs, service, name } = planned;
  const stopping = new AbortController();
  const phaseMs = phaseOf(service.id, name, everyMs);
  let current: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;

  const wait = (dueMs: number) => {
    timer = setTimeout(
      () => {
        current = measureAt(dueMs);
      },
      Math.max(0, dueMs - performance.now()),
    );
  };
  const measureAt = async (dueMs: number) => {
    try {
      const reading = await deps.measure(planned, stopping.signal);
      if (!stopping.signal.aborted) deps.onReading(planned, reading);
    } catch (error) {
      if (!stopping.signal.aborted) deps.onError(error);
    }
    // half an interval at least between the first, which comes early, and the second
    if (!stopping.signal.aborted)
      wait(nextTurn(Math.max(performance.now(), dueMs + everyMs / 2), phaseMs, everyMs));
  };
  wait(performance.now() + (phaseMs % Math.min(everyMs, FIRST_WITHIN_MS)));
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await current;
    },
  };
}

/** The first turn after `afterMs` on the grid of `everyMs` shifted by `phaseMs`. */
export function nextTurn(afterMs: number, phaseMs: number, everyMs: number): number {
  return phaseMs + (Math.floor((afterMs - phaseMs) / everyMs) + 1) * everyMs;
}
