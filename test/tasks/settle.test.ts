import { describe, expect, it } from "vitest";
import type { CheckState, Reading, ReadingState } from "../../src/journal/types.ts";
import { settle, worstOf } from "../../src/tasks/settle.ts";

const RULE = { bad: { k: 2, n: 3 }, good: 3 };
const STATES: ReadingState[] = ["ok", "warning", "critical", "unknown"];

function reading(state: ReadingState, second: number): Reading {
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  return {
    service: "shop",
    check: "http",
    type: "http",
    component: "application",
    state,
    summary: state,
    value: null,
    unit: "s",
    at,
    durationMs: 1,
  };
}

/** The settled state after each reading. */
function walk(states: readonly ReadingState[], rule = RULE): CheckState[] {
  const seen: CheckState[] = [];
  for (const [index, state] of states.entries()) seen.push(settle(seen.at(-1), reading(state, index), rule));
  return seen;
}
const settled = (states: string, rule = RULE) =>
  walk(
    [...states].map((letter) => STATES.find((state) => state[0] === letter)!),
    rule,
  )
    .map((state) => state.settled[0])
    .join("");

describe("a check settles", () => {
  it.each([
    ["ococococ", "oooccccc", "two critical of three, apart too, and is not well again by single good ones"],
    ["cc", "oc", "as bad with the second of two bad readings, from its very start"],
    ["ccooo", "occco", "as ok after three good ones in a row"],
    ["ccoocooo", "occcccco", "as ok only when they are in a row"],
    ["cw", "ow", "as the milder state when K are at least that bad"],
    ["cwc", "owc", "as the worse one when K of N are that bad"],
    ["ccuuuuuu", "occccccc", "as critical while it only becomes unknown: not to know is not to be better"],
    ["ccwww", "occcw", "as a warning after three known milder ones"],
    ["uuooo", "ouuuo", "as unknown by the same rule"],
    ["uwuw", "ouuw", "as unknown first and as a warning once two of three warn"],
  ])("%s -> %s: %s", (readings, expected) => {
    expect(settled(readings)).toBe(expected);
  });

  it("at once where one of one counts", () => {
    expect(settled("coc", { bad: { k: 1, n: 1 }, good: 1 })).toBe("coc");
  });

  it("keeping since when each state has stood", () => {
    const states = walk(["ok", "critical", "critical", "critical", "ok"]);
    expect(states[3]).toMatchObject({ state: "critical", settled: "critical" });
    expect(states[3]!.since).toEqual(states[1]!.at);
    expect(states[3]!.settledSince).toEqual(states[2]!.at);
    expect(states[4]!.since).toEqual(states[4]!.at);
    expect(states[4]!.settledSince).toEqual(states[2]!.at);
  });

  it("holding its promises for any sequence of readings", () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const rank = { ok: 0, unknown: 1, warning: 2, critical: 3 };
    for (let round = 0; round < 500; round += 1) {
      const n = 1 + random(5);
      const rule = { bad: { k: 1 + random(n), n }, good: 1 + random(5) };
      const inputs = Array.from({ length: 30 }, () => STATES[random(4)]!);
      const outputs = walk(inputs, rule);
      for (const [index, { settled: now, recent }] of outputs.entries()) {
        const before = outputs[index - 1]?.settled ?? "ok";
        expect(recent.length).toBeLessThanOrEqual(Math.max(n, rule.good));
        const window = inputs.slice(Math.max(0, index - n + 1), index + 1);
        const atLeast = (state: ReadingState) => window.filter((seen) => rank[seen] >= rank[state]).length;
        const newest = rank[inputs[index]!];
        for (const state of STATES) {
          if (newest >= rank[state] && atLeast(state) >= rule.bad.k)
            expect(rank[now], "K bad ones are not overlooked").toBeGreaterThanOrEqual(rank[state]);
        }
        if (
          window.length >= rule.good &&
          inputs.slice(index - rule.good + 1, index + 1).every((state) => state === "ok")
        )
          expect(now).toBe("ok");
        if (rank[now] > rank[before])
          expect(Math.min(atLeast(now) - rule.bad.k, newest - rank[now])).toBeGreaterThanOrEqual(0);
        if (rank[now] < rank[before]) {
          const streak = inputs.slice(index - rule.good + 1, index + 1);
          expect(streak.every((state) => state !== "unknown" && rank[state] < rank[before])).toBe(true);
        }
      }
    }
  });
});

describe("the worst of several", () => {
  it("puts not knowing between ok and a warning", () => {
    expect(worstOf([])).toBe("ok");
    expect(worstOf(["ok", "unknown"])).toBe("unknown");
    expect(worstOf(["unknown", "warning", "ok"])).toBe("warning");
    expect(worstOf(["warning", "critical", "unknown"])).toBe("critical");
  });
});
