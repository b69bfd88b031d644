import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Service } from "../../src/config.ts";
import { type Db, type Journal, openJournal } from "../../src/journal/database.ts";
import { dropLease, takeLease } from "../../src/journal/leases.ts";
import { listCheckStates } from "../../src/journal/readings.ts";
import type { CheckState, ReadingState } from "../../src/journal/types.ts";
import { silentLog } from "../../src/log.ts";
import { declaredChecks, type PlannedCheck } from "../../src/tasks/checks/declared.ts";
import { createBook } from "../../src/tasks/watch/book.ts";
import { leaseOf } from "../../src/tasks/watch/shards.ts";
import { SHARDS, shardOf } from "../../src/tasks/watch/spread.ts";
import { startWatch, type WatchDeps } from "../../src/tasks/watch.ts";
import { type TestDatabase, testDatabase } from "../servers/postgres.ts";
import { configOf, serviceOf } from "./world.ts";

const TIMINGS = { termMs: 1_000, renewMs: 100, flushMs: 20 };
const FAST = { type: "cpu", every: "30ms" };

let database: TestDatabase;
let journal: Journal;
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  closing = [];
  database = await testDatabase("watch");
  journal = await replica();
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await database.drop();
});

async function replica(): Promise<Journal> {
  const opened = await openJournal(database.url, () => {});
  closing.push(() => opened.close());
  return opened;
}

function watch(on: Journal, services: Service[], more: Partial<WatchDeps> = {}) {
  const watching = startWatch({
    journal: on,
    config: { services },
    measure: async (planned) => reading(planned, "ok"),
    follow: async () => {},
    underRun: async () => false,
    log: silentLog,
    timings: TIMINGS,
    ...more,
  });
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= watching.stop());
  closing.push(stop);
  return { stop };
}

function reading({ service, name, check }: PlannedCheck, state: ReadingState, summary: string = state) {
  return {
    service: service.id,
    check: name,
    type: check.type,
    component: check.component,
    state,
    summary,
    value: 1,
    unit: "%",
    at: new Date().toISOString(),
    durationMs: 1,
  };
}

async function until<T>(what: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await what();
    if (found) return found;
    if (Date.now() > deadline) throw new Error("did not come true within 10 s");
    await pause(10);
  }
}
const stateOf = async (service: string, name: string) =>
  (await listCheckStates(journal, service)).find((state) => state.name === name);

describe("the watch", () => {
  it("writes every check's state, and has incidents follow in the same transaction when one settles", async () => {
    const service = serviceOf({ checks: [FAST, { ...FAST, type: "memory" }] });
    let cpu: ReadingState = "ok";
    const seen: {
      settled: Record<string, ReadingState>;
      stored: string | undefined;
      outside: string | undefined;
    }[] = [];
    watch(journal, [service], {
      measure: async (planned) => reading(planned, planned.name === "cpu" ? cpu : "ok"),
      async follow(tx: Db, of: Service, states: CheckState[]) {
        expect(of.id).toBe("shop");
        const read = async (db: Db) =>
          (await listCheckStates(db, "shop")).find((state) => state.name === "cpu")?.settled;
        seen.push({
          settled: Object.fromEntries(states.map((state) => [state.name, state.settled])),
          stored: await read(tx),
          outside: await read(journal),
        });
      },
    });
    await until(
      async () =>
        (await stateOf("shop", "memory"))?.settled === "ok" &&
        (await stateOf("shop", "cpu"))?.recent.length === 3,
    );
    const before = seen.length;
    await until(
      async () => (await stateOf("shop", "cpu"))!.at.getTime() > Date.now() - 50 && seen.length > 0,
    );
    expect(seen.length, "good readings are no news").toBe(before);

    cpu = "critical";
    const change = await until(() => seen.find(({ settled }) => settled.cpu === "critical"));
    expect(change).toMatchObject({
      settled: { cpu: "critical", memory: "ok" },
      stored: "critical",
      outside: "ok",
    });
    await until(async () => (await stateOf("shop", "cpu"))?.settled === "critical");

    cpu = "ok";
    await until(() => seen.at(-1)!.settled.cpu === "ok");
  });

  it("goes on measuring while one check hangs, and never measures one twice at a time", async () => {
    const service = serviceOf({ checks: [FAST, { ...FAST, type: "disk" }] });
    let hanging = 0;
    let most = 0;
    let others = 0;
    watch(journal, [service], {
      async measure(planned, signal) {
        if (planned.name === "cpu") {
          others += 1;
          return reading(planned, "ok");
        }
        hanging += 1;
        most = Math.max(most, hanging);
        await new Promise((done) => signal.addEventListener("abort", done));
        hanging -= 1;
        return reading(planned, "unknown");
      },
    });
    await until(() => hanging === 1 && others > 10);
    expect(most).toBe(1);
  });

  it("keeps its schedule although a measurement takes time", async () => {
    const service = serviceOf({ checks: [{ type: "cpu", every: "200ms" }] });
    const starts: number[] = [];
    watch(journal, [service], {
      async measure(planned) {
        starts.push(performance.now());
        await pause(60);
        return reading(planned, "ok");
      },
    });
    await until(() => starts.length >= 7);
    // from the second on each is on the grid: five intervals are five times 200 ms, not 260
    const elapsed = starts[6]! - starts[1]!;
    expect(elapsed).toBeGreaterThan(900);
    expect(elapsed).toBeLessThan(1_250);
  });

  it("under a run stores and settles nothing for the worse, and follows once the run has ended", async () => {
    const service = serviceOf({ checks: [FAST] });
    let running = true;
    const followed: ReadingState[] = [];
    watch(journal, [service], {
      measure: async (planned) => reading(planned, "critical"),
      underRun: async (of) => of === "shop" && running,
      async follow(_tx, _service, states) {
        followed.push(states[0]!.settled);
      },
    });
    const at = Date.now();
    await until(async () => ((await stateOf("shop", "cpu"))?.at.getTime() ?? 0) > at + 300);
    expect(await stateOf("shop", "cpu")).toMatchObject({ state: "critical", settled: "ok" });
    expect(followed).toEqual([]);
    running = false;
    // what is still bad when the run has ended has to show it anew
    await until(() => followed.includes("critical"));
    expect((await stateOf("shop", "cpu"))?.settled).toBe("critical");
  });

  it("stores readings although incidents could not follow, and tries that again", async () => {
    const service = serviceOf({ checks: [FAST] });
    let calls = 0;
    watch(journal, [service], {
      measure: async (planned) => reading(planned, "critical"),
      async follow(tx) {
        calls += 1;
        if (calls < 4) await tx.query("select no_such_column");
      },
    });
    await until(async () => (await stateOf("shop", "cpu"))?.settled === "critical");
    await until(() => calls >= 4);
    const at = Date.now();
    await until(async () => (await stateOf("shop", "cpu"))!.at.getTime() > at + 100);
    expect(calls).toBe(4);
  });

  it("measures on while the journal is away, writes the newest when it is back, and says so once", async () => {
    const service = serviceOf({ checks: [FAST] });
    let away = false;
    let count = 0;
    const warned: unknown[] = [];
    const refused = () =>
      Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    const flaky: Journal = {
      ...journal,
      query: (text, values) => (away ? refused() : journal.query(text, values)),
      pool: new Proxy(journal.pool, {
        get: (pool, name) => (name === "connect" && away ? refused : Reflect.get(pool, name, pool)),
      }),
    };
    watch(flaky, [service], {
      async measure(planned) {
        count += 1;
        return reading(planned, "ok", `reading ${count}`);
      },
      log: {
        ...silentLog,
        warn: (...args: unknown[]) => void warned.push(args),
        info: () => {},
        error: (...args: unknown[]) => void warned.push(args),
        debug: () => {},
      },
    });
    await until(() => stateOf("shop", "cpu"));
    away = true;
    const from = count;
    await until(() => count > from + 20 && warned.length > 0);
    await pause(300);
    const missed = count;
    away = false;
    const number = await until(async () => {
      const written = Number((await stateOf("shop", "cpu"))?.reading.summary.split(" ")[1]);
      return written >= missed && written;
    });
    expect(number).toBeGreaterThanOrEqual(missed);
    expect(warned).toHaveLength(1);
  });
});

describe("several replicas", () => {
  const many = () =>
    configOf(Object.fromEntries(Array.from({ length: 24 }, (_, index) => [`s${index}`, { checks: [FAST] }])))
      .services;

  it("share the services evenly, measure each in one place, and take over from one that stops", async () => {
    const services = many();
    const measuredBy = new Map<string, Set<number>>();
    const observed: Set<string>[] = [new Set(), new Set()];
    const start = (on: Journal, number: number) =>
      watch(on, services, {
        async measure(planned) {
          measuredBy.set(planned.service.id, (measuredBy.get(planned.service.id) ?? new Set()).add(number));
          return reading(planned, "ok");
        },
        metrics: {
          observe: (one) => observed[number]!.add(one.service),
          forget: (service) => observed[number]!.delete(service),
        },
      });
    start(journal, 0);
    await until(() => measuredBy.size === services.length);
    const second = start(await replica(), 1);
    const used = new Set(services.map((service) => shardOf(service.id)));
    expect(used.size).toBe(SHARDS);
    const shards = (number: number) => new Set([...observed[number]!].map(shardOf)).size;
    await until(() => shards(0) === SHARDS / 2 && shards(1) === SHARDS / 2);
    measuredBy.clear();
    await until(() => measuredBy.size === services.length);
    for (const by of measuredBy.values()) expect(by.size).toBe(1);

    await second.stop();
    expect(observed[1]!.size).toBe(0);
    measuredBy.clear();
    await until(() => [...measuredBy.values()].filter((by) => by.has(0)).length === services.length);
  });

  it("go on from the states that the other left", async () => {
    const service = serviceOf({ checks: [FAST] });
    const first = watch(journal, [service], { measure: async (planned) => reading(planned, "critical") });
    const left = await until(async () => {
      const state = await stateOf("shop", "cpu");
      return state?.settled === "critical" && state;
    });
    await first.stop();
    const followed: CheckState[] = [];
    watch(await replica(), [service], {
      measure: async (planned) => reading(planned, "ok"),
      follow: async (_tx, _service, states) => void followed.push(...states),
    });
    // one good reading is not enough to be well again, and incidents are followed at once
    expect((await until(() => followed[0])).settled).toBe("critical");
    expect(followed[0]!.settledSince).toEqual(left.settledSince);
    await until(async () => (await stateOf("shop", "cpu"))?.settled === "ok");
  });

  it("write nothing for a shard that another has taken meanwhile", async () => {
    const service = serviceOf({ checks: [{ type: "cpu", bad: "1 of 1" }] });
    const lease = leaseOf(shardOf(service.id));
    let followed = 0;
    const frozen = createBook({
      journal,
      log: silentLog,
      termMs: 60_000,
      flushMs: 1,
      follow: async () => {
        followed += 1;
      },
      underRun: async () => false,
    });
    await frozen.open([service]);
    const other = await replica();
    await takeLease(other, lease, other.holder, 60_000);
    const [planned] = declaredChecks(service);
    frozen.enter(planned!, reading(planned!, "critical"));
    await frozen.close([service]);
    expect(await stateOf("shop", "cpu")).toBeUndefined();
    expect(followed).toBe(0);

    await dropLease(other, lease, other.holder);
    await frozen.open([service]);
    frozen.enter(planned!, reading(planned!, "critical"));
    await frozen.close([service]);
    expect((await stateOf("shop", "cpu"))?.settled).toBe("critical");
    expect(followed).toBe(1);
  });
});
