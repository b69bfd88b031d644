import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { transaction } from "../../src/journal/database.ts";
import {
  finishIntent,
  intentWaits,
  loadIntent,
  recordIntent,
  takeIntent,
} from "../../src/journal/intents.ts";
import { OLGA, openTestJournal, type TestJournal } from "./world.ts";

let world: TestJournal;
beforeAll(async () => {
  world = await openTestJournal();
});
afterAll(() => world.close());
beforeEach(() => world.journal.query("delete from intents"));

const record = (key: string, by = world.journal) =>
  recordIntent(by, { key, kind: "command", actor: OLGA, channel: "C0OPS", payload: { text: key } });

describe("an intent", () => {
  test("delivered twice, to two replicas at once, is one", async () => {
    const told = await Promise.all([
      record("a"),
      record("a", world.other),
      record("a"),
      record("a", world.other),
    ]);
    expect(told.filter(Boolean)).toHaveLength(1);
    const { rows } = await world.journal.query("select key from intents");
    expect(rows).toEqual([{ key: "a" }]);
  });

  test("is seen to wait while nobody works on it", async () => {
    expect(await intentWaits(world.journal)).toBe(false);
    await record("waiting");
    expect(await intentWaits(world.other)).toBe(true);
    await transaction(world.journal, async (tx) => {
      await takeIntent(tx);
      expect(await intentWaits(world.other)).toBe(false);
    });
  });

  test("is taken by one of two takers; the other gets the next, nobody waits", async () => {
    await record("first");
    await record("second");
    await transaction(world.journal, async (tx) => {
      expect((await takeIntent(tx))?.key).toBe("first");
      await transaction(world.other, async (otherTx) => {
        expect((await takeIntent(otherTx))?.key).toBe("second");
        await world.journal.query("select 1");
        expect(await transaction(world.other, takeIntent)).toBeUndefined();
      });
    });
  });

  test("whose taker fails is there again for the next, and done only once finished", async () => {
    await record("once");
    const failing = transaction(world.journal, async (tx) => {
      const intent = await takeIntent(tx);
      await finishIntent(tx, intent!.id);
      throw new Error("the replica died");
    });
    await expect(failing).rejects.toThrow("died");
    const id = await transaction(world.other, async (tx) => {
      const intent = (await takeIntent(tx))!;
      await finishIntent(tx, intent.id, { code: "unknown_service", message: "no" });
      return intent.id;
    });
    expect(await transaction(world.journal, takeIntent)).toBeUndefined();
    expect(await loadIntent(world.journal, id)).toMatchObject({
      state: "failed",
      error: { code: "unknown_service" },
    });
  });
});
