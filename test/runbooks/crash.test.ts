/** kill -9 and SIGSTOP over replicas and many services, judged by a log that Steward does not write. */
import { afterEach, describe, expect, it } from "vitest";
import { testDatabase } from "../servers/postgres.ts";
import { isClean, judge } from "./crash/judge.ts";
import { type CrashWorld, crashWorld, takeovers } from "./crash/world.ts";

const SERVICES = 24;
/** the queue's heartbeat, with some more */
const PAST_HEARTBEAT_MS = 13_000;

describe("replicas that are killed and frozen", () => {
  let world: CrashWorld;
  let drop: () => Promise<void>;
  afterEach(async () => {
    await world?.close();
    await drop?.();
  });

  it("lose no run, repeat no finished step, and never work side by side on one service", {
    timeout: 180_000,
  }, async () => {
    const database = await testDatabase("crash");
    drop = database.drop;
    world = await crashWorld(database.url, SERVICES);
    for (let service = 1; service <= SERVICES; service += 1)
      await world.approved(service % 4 === 0 ? "breaking" : "mixed", service);
    const deaths = new Map<string, number>();
    const replicas = await Promise.all([world.replica(), world.replica(), world.replica()]);
    const busy = async (holder: string) =>
      (await world.attempts()).some((attempt) => attempt.holder === holder && attempt.endedAt === null);

    // one is frozen in the middle of its work, and woken when others have long taken it over
    const frozen = replicas[0]!;
    await expect.poll(() => busy(frozen.holder), { timeout: 20_000 }).toBe(true);
    frozen.process.kill("SIGSTOP");
    const thaw = new Promise((resolve) => setTimeout(resolve, PAST_HEARTBEAT_MS)).then(() =>
      frozen.process.kill("SIGCONT"),
    );
    // the others are killed at work, each with a fresh one in its place
    for (const victim of replicas.slice(1)) {
      await expect.poll(() => busy(victim.holder), { timeout: 30_000 }).toBe(true);
      deaths.set(victim.holder, await victim.kill());
      await world.replica();
    }
    await thaw;
    await world.rest(120_000);
    const stuck = (await world.runs()).filter(({ state }) => state === "needs_decision");
    for (const { id, decision } of stuck) expect(decision, String(id)).toMatchObject({ step: "once" });

    expect(await world.verdict()).toEqual({
      lost: [],
      repeatedFinished: [],
      overlapping: [],
      repeatedUnasked: [],
      wrongEnds: [],
    });
    const taken = takeovers(await world.attempts(), deaths);
    expect(taken.length).toBeGreaterThan(0);
    // a person says how the undecided ones go on, and they come to their end
    for (const { id } of stuck) await world.decide(id, "skip");
    await world.rest(60_000);
    expect((await world.runs()).filter(({ state }) => state === "needs_decision")).toEqual([]);
  });
});

describe("the judge", () => {
  const clean = [
    "begin s1 1 prepare do 10",
    "end s1 1 prepare do 10",
    "begin s1 1 long do 11",
    "end s1 1 long do 11",
    "begin s1 1 probed do 12",
    "end s1 1 probed do 12",
    "begin s1 1 once do 13",
    "end s1 1 once do 13",
    "begin s1 1 finish do 14",
    "end s1 1 finish do 14",
  ];
  const run = { id: 1, runbook: "mixed", state: "succeeded" as const };
  const attempt = (id: number, step: string, outcome: "done" | "interrupted") => ({
    id,
    runId: 1,
    step,
    direction: "do" as const,
    outcome,
  });
  const said = (
    lines: string[],
    attempts = [attempt(1, "prepare", "done")],
    runs: Parameters<typeof judge>[1] = [run],
  ) => judge(lines.join("\n"), runs, attempts);

  it("finds nothing in a clean log", () => {
    expect(isClean(said(clean))).toBe(true);
  });

  it("finds a run that was lost, and an end that does not fit", () => {
    expect(said(clean, [], [{ ...run, state: "running" }])).toMatchObject({ lost: [expect.any(String)] });
    expect(said(clean.slice(0, -1))).toMatchObject({ wrongEnds: [expect.any(String)] });
    expect(said(clean, [], [{ ...run, runbook: "breaking" }])).toMatchObject({
      wrongEnds: [expect.any(String)],
    });
  });

  it("finds a finished step that began again", () => {
    expect(said(clean, [attempt(1, "long", "done"), attempt(2, "long", "done")])).toMatchObject({
      repeatedFinished: [expect.any(String)],
    });
    expect(said(clean, [attempt(1, "long", "interrupted"), attempt(2, "long", "done")])).toMatchObject({
      repeatedFinished: [],
    });
  });

  it("finds two commands at work on one service", () => {
    const lines = [
      "begin s1 1 long do 20",
      "begin s1 1 long do 21",
      "beat s1 1 long do 20",
      "end s1 1 long do 21",
    ];
    expect(said([...clean.slice(0, 2), ...lines, ...clean.slice(4)])).toMatchObject({
      overlapping: [expect.any(String)],
    });
    const orphanKilled = lines.filter((line) => !line.startsWith("beat"));
    expect(said([...clean.slice(0, 2), ...orphanKilled, ...clean.slice(4)])).toMatchObject({
      overlapping: [],
    });
  });

  it("finds what must not be repeated and was", () => {
    const again = ["begin s1 1 once do 30", "end s1 1 once do 30"];
    expect(said([...clean, ...again])).toMatchObject({ repeatedUnasked: [expect.any(String)] });
    const probed = ["begin s1 1 probed do 31"];
    expect(said([...clean.slice(0, 4), ...probed, ...clean.slice(4)])).toMatchObject({ repeatedUnasked: [] });
    expect(said([...clean, "begin s1 1 probed do 32"])).toMatchObject({
      repeatedUnasked: [expect.any(String)],
    });
  });
});
