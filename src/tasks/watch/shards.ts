import { isAway, type Journal } from "../../journal/database.ts";
import { countHolders, dropLease, takeLease } from "../../journal/leases.ts";
import type { Log } from "../../log.ts";
import { SHARDS } from "./spread.ts";

export interface ShardDeps {
  journal: Journal;
  log: Log;
  /** how long a lease lasts, and how often it is renewed */
  termMs: number;
  renewMs: number;
  onTake(shard: number): Promise<void>;
  /** Must leave nothing running for the shard when it resolves. */
  onLose(shard: number): Promise<void>;
}

/** More replicas than this share nothing more out. */
const SEATS = 64;

export function leaseOf(shard: number): string {
  return `checks:${shard}`;
}

/**
 * Holds this replica's fair share of the shards by leases: ceil(8 / replicas). A replica shows itself by
 * holding a seat; who has too many shards gives some up, who has too few takes what is free. While the
 * journal is away nothing changes hands: what is held goes on being measured.
 */
export function startShards(deps: ShardDeps): { stop(): Promise<void> } {
  const { journal, termMs } = deps;
  const held = new Set<number>();
  let seat: string | undefined;
  let stopped = false;
  let away = false;
  let timer: NodeJS.Timeout | undefined;

  const round = async () => {
    seat = await keepSeat(journal, seat, termMs);
    const replicas = (await countHolders(journal, "watcher:")).length;
    const share = Math.ceil(SHARDS / Math.max(1, replicas));
    for (const shard of [...held]) {
      if (!(await takeLease(journal, leaseOf(shard), journal.holder, termMs))) await lose(shard);
    }
    for (const shard of [...held].slice(share)) {
      await lose(shard);
      await dropLease(journal, leaseOf(shard), journal.holder);
    }
    for (const shard of inOwnOrder(seat)) {
      if (held.size >= share || stopped) break;
      if (held.has(shard) || !(await takeLease(journal, leaseOf(shard), journal.holder, termMs))) continue;
      // held only once it is taken over whole: what failed here is tried again in the next round
      await deps.onTake(shard);
      held.add(shard);
    }
  };
  const lose = async (shard: number) => {
    held.delete(shard);
    await deps.onLose(shard);
  };
  const go = async () => {
    try {
      await round();
      if (away) deps.log.info("the journal is back: checks are shared out again");
      away = false;
    } catch (error) {
      if (!isAway(error)) deps.log.error({ err: error }, "sharing out the checks failed");
      else if (!away)
        deps.log.warn(
          "the journal is away: checks go on being measured, their newest readings are written when it is back",
        );
      away = isAway(error);
    }
    if (!stopped) {
      timer = setTimeout(() => {
        current = go();
      }, deps.renewMs);
    }
  };
  let current = go();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await current;
      const leases = [...held].map(leaseOf);
      for (const shard of [...held]) await lose(shard);
      // not to be able to let go only means that the next holder waits for the end of the term
      for (const lease of [...leases, ...(seat ? [seat] : [])])
        await dropLease(journal, lease, journal.holder).catch(() => {});
    },
  };
}

/** Numbered seats, not one lease a process: the rows do not pile up over restarts. */
async function keepSeat(
  journal: Journal,
  seat: string | undefined,
  termMs: number,
): Promise<string | undefined> {
  if (seat && (await takeLease(journal, seat, journal.holder, termMs))) return seat;
  for (let number = 0; number < SEATS; number += 1) {
    const free = `watcher:${number}`;
    if (await takeLease(journal, free, journal.holder, termMs)) return free;
  }
  return undefined;
}

/** Each replica begins elsewhere, so that they do not all reach for the same shard. */
function inOwnOrder(seat: string | undefined): number[] {
  const first = seat ? Number(seat.split(":")[1]) * 3 : 0;
  return Array.from({ length: SHARDS }, (_, index) => (first + index) % SHARDS);
}
