/** Batches and lanes on the engine: side by side, bounded in failures, taken over in the middle. */
import { afterEach, describe, expect, it } from "vitest";
import { listAttempts } from "../../src/journal/attempts.ts";
import { transaction } from "../../src/journal/database.ts";
import type { FleetPlan } from "../../src/runbooks/lanes.ts";
import { decideStuck } from "../../src/runbooks/requests.ts";
import { type Deed, NeedsDecision, type Step } from "../../src/runbooks/runbook.ts";
import { type House, OLGA, openHouse, scripted } from "./house.ts";

let house: House;
afterEach(() => house.close());

/** What each host's step does, beyond writing itself down. */
type Script = (what: string, lane: string, deed: Deed) => Promise<void>;

/** Two batches of the hosts a, b and c, d; two steps each; a step between them and one at the end. */
async function roll(fleet: Partial<FleetPlan>, script: Script = async () => {}): Promise<number> {
  const perHost = (lane: string, batch: number): Partial<Step>[] =>
    ["checkout", "restart"].map((what) => ({
      name: `${what}:${lane}`,
      lane,
      batch,
      async run(deed) {
        await house.effect(`${what} ${lane}`);
        await script(what, lane, deed);
        await house.effect(`${what} ${lane} done`);
      },
      takeBack: () => house.effect(`undo ${what} ${lane}`),
    }));
  const single = (name: string): Partial<Step> => ({
    name,
    run: () => house.effect(name),
    takeBack: () => house.effect(`undo ${name}`),
  });
  const steps = [
    single("begin"),
    ...perHost("a", 1),
    ...perHost("b", 1),
    single("readings"),
    ...perHost("c", 2),
    ...perHost("d", 2),
    single("record"),
  ] as (Partial<Step> & Pick<Step, "name" | "run">)[];
  const plan = { strategy: "rolling", batch: 2, maxFailures: 0, undo: "all", hosts: ["a", "b", "c", "d"] };
  house = await openHouse([
    scripted(
      "roll",
      () => steps,
      () => ({ fleet: { ...plan, ...fleet } }),
    ),
  ]);
  const id = await house.ask("roll");
  await house.approve(id);
  return id;
}

const failing =
  (...hosts: string[]): Script =>
  async (what, lane) => {
    if (what === "restart" && hosts.includes(lane)) throw new Error(`${lane} does not start`);
  };

describe("a roll over a fleet", () => {
  it("takes hosts of a batch side by side, each in its order, and batches one after the other", async () => {
    const both = Promise.withResolvers<void>();
    const there = new Set<string>();
    const id = await roll({}, async (what, lane) => {
      if (what !== "checkout" || !"ab".includes(lane)) return;
      there.add(lane);
      if (there.size === 2) both.resolve();
      await both.promise;
    });
    await house.until(id, ["succeeded"]);
    const effects = await house.effects();
    const at = (line: string) => effects.indexOf(line);
    expect(effects).toHaveLength(3 + 4 * 4);
    for (const lane of "abcd") expect(at(`checkout ${lane} done`)).toBeLessThan(at(`restart ${lane}`));
    for (const lane of "ab") expect(at(`restart ${lane} done`)).toBeLessThan(at("readings"));
    for (const lane of "cd") expect(at(`checkout ${lane}`)).toBeGreaterThan(at("readings"));
    expect(at("record")).toBe(effects.length - 1);
  });

  it("is stopped by a host that fails, and every host goes back", async () => {
    const id = await roll({}, failing("c"));
    const run = await house.until(id, ["undone"]);
    expect(run.error?.message).toBe("restart:c: c does not start");
    const effects = await house.effects();
    expect(effects).toContain("restart d done");
    expect(effects).not.toContain("record");
    for (const lane of "abcd") expect(effects).toContain(`undo checkout ${lane}`);
    expect(effects.at(-1)).toBe("undo begin");
  });

  it("goes on without as many as may fail; they go back by themselves and are named", async () => {
    const id = await roll({ maxFailures: 1 }, failing("b"));
    const run = await house.until(id, ["succeeded"]);
    expect(run.facts.failedHosts).toEqual(["b"]);
    const undone = (await house.effects()).filter((line) => line.startsWith("undo"));
    expect(undone).toEqual(["undo restart b", "undo checkout b"]);
  });

  it("counts failures over all batches", async () => {
    const id = await roll({ maxFailures: 1 }, failing("b", "c"));
    await house.until(id, ["undone"]);
    const effects = await house.effects();
    expect(effects.filter((line) => line === "undo checkout b")).toHaveLength(1);
    expect(effects).toContain("undo checkout a");
  });

  it("leaves good hosts as they are where only failed ones go back, and says which run what", async () => {
    const id = await roll({ undo: "failed" }, failing("b"));
    const run = await house.until(id, ["failed"]);
    const effects = await house.effects();
    expect(effects).toContain("undo checkout b");
    expect(effects).not.toContain("undo checkout a");
    expect(effects).not.toContain("checkout c");
    expect(run.error?.hint).toMatch(/^a runs the new version; the other hosts/);
  });

  it("waits for a person when a host cannot tell, and goes on where that host was", async () => {
    let unsure = true;
    const id = await roll({}, async (what, lane) => {
      if (what === "restart" && lane === "b" && unsure)
        throw new NeedsDecision("unsure", "b does not answer");
    });
    const stuck = await house.until(id, ["needs_decision"]);
    expect(stuck.decision).toMatchObject({ step: "restart:b", reason: "b does not answer" });
    unsure = false;
    await transaction(house.context.journal, (tx) =>
      decideStuck(house.context, tx, { runId: id, actor: OLGA, choice: "retry" }),
    );
    await house.until(id, ["succeeded"]);
    const effects = await house.effects();
    expect(effects.filter((line) => line === "restart a done")).toHaveLength(1);
    expect(effects.filter((line) => line === "restart b")).toHaveLength(2);
  });

  it("is taken over in the middle of a batch: what was done is not done again", async () => {
    const reached = Promise.withResolvers<void>();
    let first = true;
    const id = await roll({}, async (what, lane, { signal }) => {
      if (!first || what !== "restart" || lane !== "b") return;
      reached.resolve();
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    await reached.promise;
    await expect.poll(() => house.effects(), { timeout: 5_000 }).toContain("restart a done");
    await expect
      .poll(
        async () =>
          (await listAttempts(house.context.journal, id)).find(({ step }) => step === "restart:a")?.outcome,
      )
      .toBe("done");
    first = false;
    const other = await house.replica();
    await house.stopFirst();
    await expect
      .poll(async () => (await other.context.journal.query("select state from runs")).rows[0]!.state, {
        timeout: 20_000,
      })
      .toBe("succeeded");
    const effects = await house.effects();
    for (const line of ["checkout a done", "restart a done", "checkout b done", "begin", "record"])
      expect(
        effects.filter((effect) => effect === line),
        line,
      ).toHaveLength(1);
    expect(effects.filter((effect) => effect === "restart b")).toHaveLength(2);
  });
});
