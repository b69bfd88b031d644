import type { CheckState, Reading, ReadingState } from "../journal/types.ts";
import type { SettleRule } from "./checks/declared.ts";

/** How bad a state is. Not to know is worse than ok and less than to know of something bad. */
const RANK: Record<ReadingState, number> = { ok: 0, unknown: 1, warning: 2, critical: 3 };
const WORST_FIRST: readonly ReadingState[] = ["critical", "warning", "unknown"];

/** The worst of the states; ok when there are none. */
export function worstOf(states: readonly ReadingState[]): ReadingState {
  return states.reduce<ReadingState>((worst, state) => (RANK[state] > RANK[worst] ? state : worst), "ok");
}

/**
 * Where a check stands after this reading. It settles as bad when K of the last N readings are at least that
 * bad, and milder again only after `good` readings in a row that are known to be milder: so neither a single
 * bad reading nor a single good one moves it, and not knowing never counts as getting better.
 */
export function settle(previous: CheckState | undefined, reading: Reading, rule: SettleRule): CheckState {
  const at = new Date(reading.at);
  const recent = [...(previous?.recent ?? []), reading.state].slice(-Math.max(rule.bad.n, rule.good));
  const before = previous?.settled ?? "ok";
  const settled = nextSettled(before, recent, rule);
  return {
    service: reading.service,
    name: reading.check,
    state: reading.state,
    since: previous?.state === reading.state ? previous.since : at,
    reading,
    recent,
    settled,
    settledSince: previous && settled === before ? previous.settledSince : at,
    at,
  };
}

function nextSettled(before: ReadingState, recent: readonly ReadingState[], rule: SettleRule): ReadingState {
  const window = recent.slice(-rule.bad.n);
  const newest = RANK[recent.at(-1)!];
  // a reading makes nothing worse than it is itself, whatever bad ones are still in the window
  const bad =
    WORST_FIRST.find(
      (state) =>
        newest >= RANK[state] && window.filter((seen) => RANK[seen] >= RANK[state]).length >= rule.bad.k,
    ) ?? "ok";
  if (RANK[bad] > RANK[before]) return bad;
  const streak = recent.slice(-rule.good);
  const milder =
    streak.length === rule.good && streak.every((state) => state !== "unknown" && RANK[state] < RANK[before]);
  return milder ? worstOf(streak) : before;
}
