import { expect, it } from "vitest";
import { createLimiter } from "../../../src/bot/publisher/limiter.ts";

it("lets three posts into a channel at once, then one a second, each channel by itself", () => {
  const limiter = createLimiter();
  expect([1, 2, 3].map(() => limiter.take("post", "C1", 0))).toEqual([0, 0, 0]);
  expect(limiter.take("post", "C1", 0)).toBe(1_000);
  expect(limiter.take("post", "C2", 0)).toBe(0);
  expect(limiter.take("post", "C1", 1_000)).toBe(0);
  expect(limiter.take("post", "C1", 1_000)).toBe(1_000);
});

it("counts edits for all channels together, under fifty a minute", () => {
  const limiter = createLimiter();
  let taken = 0;
  for (let ms = 0; ms < 60_000; ms += 100) if (limiter.take("update", `C${ms}`, ms) === 0) taken += 1;
  expect(taken).toBeGreaterThan(40);
  expect(taken).toBeLessThanOrEqual(53);
});

it("waits as long as Slack said, only where Slack said it", () => {
  const limiter = createLimiter();
  limiter.pause("post", "C1", 5_000, 0);
  expect(limiter.take("post", "C1", 1_000)).toBe(4_000);
  expect(limiter.take("post", "C2", 1_000)).toBe(0);
  expect(limiter.take("update", "C1", 1_000)).toBe(0);
  expect(limiter.take("post", "C1", 5_000)).toBe(0);
});

it("does not give permits for a clock that runs backwards", () => {
  const limiter = createLimiter();
  for (let n = 0; n < 3; n += 1) limiter.take("post", "C1", 10_000);
  expect(limiter.take("post", "C1", 0)).toBeGreaterThan(0);
});
