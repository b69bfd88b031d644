import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countHolders, dropLease, takeLease } from "../../src/journal/leases.ts";
import { openTestJournal, type TestJournal } from "./world.ts";

let world: TestJournal;
beforeAll(async () => {
  world = await openTestJournal();
});
afterAll(() => world.close());

const take = (name: string, holder: string, forMs = 60_000) => takeLease(world.journal, name, holder, forMs);
const isOver = (name: string) =>
  expect
    .poll(
      async () =>
        (await world.journal.query("select until < now() as over from leases where name = $1", [name])).rows,
    )
    .toEqual([{ over: true }]);

describe("a lease", () => {
  test("is held by one; renewing keeps its token, however often", async () => {
    expect(await take("publisher", "a")).toEqual({ name: "publisher", token: 1 });
    expect(await take("publisher", "b")).toBeUndefined();
    expect(await take("publisher", "a")).toEqual({ name: "publisher", token: 1 });
    expect(await take("publisher", "a", 1)).toEqual({ name: "publisher", token: 1 });
  });

  test("goes to another after its end, with a token that grows each time", async () => {
    await take("watch", "a", 1);
    await isOver("watch");
    expect(await take("watch", "b", 1)).toEqual({ name: "watch", token: 2 });
    await isOver("watch");
    expect(await take("watch", "a")).toEqual({ name: "watch", token: 3 });
    expect(await take("watch", "b")).toBeUndefined();
  });

  test("that ended unseen is renewed by its old holder with the old token, as nobody had it meanwhile", async () => {
    await take("slow", "a", 1);
    await isOver("slow");
    expect(await take("slow", "a")).toEqual({ name: "slow", token: 1 });
  });

  test("asked for by many at once goes to one", async () => {
    const got = await Promise.all(["a", "b", "c", "d"].map((holder) => take("race", holder)));
    expect(got.filter(Boolean)).toHaveLength(1);
    await world.journal.query("update leases set until = now() - interval '1 second' where name = 'race'");
    const next = await Promise.all(["e", "f", "g"].map((holder) => take("race", holder)));
    expect(next.filter(Boolean)).toEqual([{ name: "race", token: 2 }]);
  });

  test("that is dropped is free at once; who does not hold it drops nothing", async () => {
    await take("dropped", "a");
    await dropLease(world.journal, "dropped", "b");
    expect(await take("dropped", "b")).toBeUndefined();
    await dropLease(world.journal, "dropped", "a");
    expect(await take("dropped", "b")).toMatchObject({ token: 2 });
  });

  test("counts for its holder while it is in force", async () => {
    for (const [name, holder, forMs] of [
      ["shard_1", "a", 60_000],
      ["shard_2", "a", 60_000],
      ["shard_3", "b", 60_000],
      ["shard_4", "c", 1],
      ["shardX", "d", 60_000],
    ] as const)
      await take(name, holder, forMs);
    await isOver("shard_4");
    const holders = await countHolders(world.journal, "shard_");
    expect(holders.sort((x, y) => x.holder.localeCompare(y.holder))).toEqual([
      { holder: "a", count: 2 },
      { holder: "b", count: 1 },
    ]);
  });
});
