import { describe, expect, it } from "vitest";
import { nextTurn } from "../../../src/tasks/watch/loop.ts";
import { phaseOf, SHARDS, shardOf } from "../../../src/tasks/watch/spread.ts";

describe("checks", () => {
  it("are spread evenly over their interval and over the shards", () => {
    const tenths = new Array<number>(10).fill(0);
    const shards = new Array<number>(SHARDS).fill(0);
    for (let index = 0; index < 1_000; index += 1) {
      const phase = phaseOf(`shop${index}`, "http", 30_000);
      tenths[Math.floor(phase / 3_000)]! += 1;
      shards[shardOf(`shop${index}`)]! += 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(60);
    expect(Math.max(...tenths)).toBeLessThan(140);
    expect(Math.min(...shards)).toBeGreaterThan(80);
  });

  it("take their turns on a grid, leaving out those that were slept through", () => {
    expect(nextTurn(0, 10, 100)).toBe(10);
    expect(nextTurn(10, 10, 100)).toBe(110);
    expect(nextTurn(355, 10, 100)).toBe(410);
  });
});
