import type { Config, Service } from "../config.ts";
import { type Db, type Journal, whileAway } from "../journal/database.ts";
import { forgetCheckStates } from "../journal/readings.ts";
import type { CheckState, Reading } from "../journal/types.ts";
import type { Log } from "../log.ts";
import { declaredChecks, type PlannedCheck } from "./checks/declared.ts";
import type { Metrics } from "./metrics.ts";
import { createBook } from "./watch/book.ts";
import { startLoop } from "./watch/loop.ts";
import { startShards } from "./watch/shards.ts";
import { shardOf } from "./watch/spread.ts";

export interface WatchDeps {
  journal: Journal;
  config: Pick<Config, "services">;
  measure(planned: PlannedCheck, signal: AbortSignal): Promise<Reading>;
  /** Brings the service's incidents in line with all its current states, in the transaction that writes them. */
  follow(tx: Db, service: Service, states: CheckState[]): Promise<void>;
  /** Whether a run holds the service: then it is measured and stored, and followed once the run has ended. */
  underRun(service: string, tx: Db): Promise<boolean>;
  metrics?: Pick<Metrics, "observe" | "forget">;
  log: Log;
  /** lease term, its renewal and the longest wait before a write; 10 s, 3 s and 250 ms unless told */
  timings?: { termMs: number; renewMs: number; flushMs: number };
}

const TIMINGS = { termMs: 10_000, renewMs: 3_000, flushMs: 250 };

/**
 * Watches this replica's share of the services: every declared check loops on its own, readings are settled
 * and written in batches, and incidents follow what changed. `stop` lets go of the share at once.
 */
export function startWatch(deps: WatchDeps): { stop(): Promise<void> } {
  const { journal, config, log } = deps;
  const timings = deps.timings ?? TIMINGS;
  const planned = new Map(config.services.map((service) => [service.id, declaredChecks(service)]));
  const book = createBook({ journal, log, follow: deps.follow, underRun: deps.underRun, ...timings });
  const loops = new Map<string, { stop(): Promise<void> }[]>();
  const servicesOf = (shard: number) => config.services.filter((service) => shardOf(service.id) === shard);

  const stopped = new AbortController();
  const declared = [...planned.values()].flat().map(({ service, name }) => ({ service: service.id, name }));
  const forgetting = whileAway(() => forgetCheckStates(journal, declared), stopped.signal).catch((error) => {
    log.warn({ err: error }, "states of checks that are not declared any more could not be removed");
  });

  const loop = {
    measure: deps.measure,
    onReading(check: PlannedCheck, reading: Reading) {
      deps.metrics?.observe(reading);
      book.enter(check, reading);
    },
    onError: (error: unknown) => log.error({ err: error }, "a check could not be measured"),
  };
  const shards = startShards({
    journal,
    log,
    ...timings,
    async onTake(shard) {
      const services = servicesOf(shard);
      if (services.length === 0) return;
      await book.open(services);
      for (const { id } of services)
        loops.set(
          id,
          planned.get(id)!.map((check) => startLoop(check, loop)),
        );
    },
    async onLose(shard) {
      const services = servicesOf(shard);
      await Promise.all(services.flatMap(({ id }) => loops.get(id) ?? []).map((one) => one.stop()));
      for (const { id } of services) {
        loops.delete(id);
        deps.metrics?.forget(id);
      }
      await book.close(services);
    },
  });
  return {
    async stop() {
      stopped.abort();
      await shards.stop();
      await forgetting;
    },
  };
}
