import { afterEach, describe, expect, test } from "vitest";
import { StewardError } from "../../src/errors.ts";
import { beginAttempt, endAttempt, listAttempts } from "../../src/journal/attempts.ts";
import { transaction } from "../../src/journal/database.ts";
import { listEvents } from "../../src/journal/events.ts";
import { claimRun, loadRun, moveRun } from "../../src/journal/runs.ts";
import { cancelRun, decideStuck, requestRun } from "../../src/runbooks/requests.ts";
import { NeedsDecision } from "../../src/runbooks/runbook.ts";
import { type House, OLGA, openHouse, scripted } from "./house.ts";

let house: House;
afterEach(async () => {
  await house?.close();
});

describe("a run", () => {
  test("goes from a request over the approval to its end, each step once and in order", async () => {
    house = await openHouse([
      scripted("two", () => [
        { name: "one", run: () => house.effect("one") },
        { name: "two", run: () => house.effect("two") },
      ]),
    ]);
    const id = await house.ask("two");
    await house.approve(id);
    const run = await house.until(id, ["succeeded"]);
    expect(await house.effects()).toEqual(["one", "two"]);
    expect(run.endedAt).not.toBeNull();
    const story = (await listEvents(house.context.journal, { kind: "run", id })).map((event) => event.kind);
    expect(story).toEqual(["requested", "planned", "approved", "started", "succeeded"]);
  });

  test("does nothing before it is approved", async () => {
    house = await openHouse([scripted("one", () => [{ name: "one", run: () => house.effect("one") }])]);
    const id = await house.ask("one");
    await house.until(id, ["awaiting_approval"]);
    expect(await house.effects()).toEqual([]);
  });

  test("asks again when the plan has changed since the approval, and says what changed", async () => {
    let commit = "aaa";
    let blocking = true;
    house = await openHouse([
      scripted("slow", () => [
        {
          name: "hold",
          run: async () => {
            while (blocking) await new Promise((r) => setTimeout(r, 20));
          },
        },
      ]),
      scripted(
        "drifting",
        () => [{ name: "one", run: () => house.effect(commit) }],
        () => ({ commit }),
      ),
    ]);
    const first = await house.ask("slow");
    await house.approve(first);
    await house.until(first, ["running"]);
    const second = await house.ask("drifting");
    await house.approve(second);
    await house.until(second, ["queued"]);
    commit = "bbb";
    blocking = false;
    const run = await house.until(second, ["awaiting_approval"]);
    expect(run.plan!.context.warnings.join()).toContain('commit was "aaa", is "bbb"');
    expect(await house.effects()).toEqual([]);
    await house.approve(second);
    await house.until(second, ["succeeded"]);
    expect(await house.effects()).toEqual(["bbb"]);
  });

  test("waits while another run holds the service, and starts when that one ends", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    house = await openHouse([
      scripted("slow", () => [
        {
          name: "hold",
          run: async () => {
            await house.effect("slow in");
            await held;
            await house.effect("slow out");
          },
        },
      ]),
      scripted("quick", () => [{ name: "one", run: () => house.effect("quick") }]),
    ]);
    const first = await house.ask("slow");
    await house.approve(first);
    await house.until(first, ["running"]);
    const second = await house.ask("quick");
    await house.approve(second);
    await house.until(second, ["queued"]);
    release();
    await house.until(second, ["succeeded"]);
    expect(await house.effects()).toEqual(["slow in", "slow out", "quick"]);
  });

  test("two active runs on one service are refused by the index itself", async () => {
    house = await openHouse([scripted("one", () => [{ name: "one", run: async () => {} }])]);
    const ids = [await house.ask("one"), await house.ask("one")];
    for (const id of ids) await house.until(id, ["awaiting_approval"]);
    await moveRun(house.context.journal, ids[0]!, ["awaiting_approval"], "needs_decision");
    await expect(
      moveRun(house.context.journal, ids[1]!, ["awaiting_approval"], "running"),
    ).rejects.toMatchObject({ code: "23505" });
  });

  test("undoes in reverse what was done when a step fails, the failed step included", async () => {
    const step = (name: string, fails = false) => ({
      name,
      run: async () => {
        await house.effect(`do ${name}`);
        if (fails) throw new StewardError("command_failed", "it broke");
      },
      takeBack: async () => {
        await house.effect(`undo ${name}`);
      },
    });
    house = await openHouse([scripted("failing", () => [step("a"), step("b"), step("c", true), step("d")])]);
    const id = await house.ask("failing");
    await house.approve(id);
    const run = await house.until(id, ["undone"]);
    expect(await house.effects()).toEqual(["do a", "do b", "do c", "undo c", "undo b", "undo a"]);
    expect(run.error).toMatchObject({ code: "command_failed", message: "c: it broke" });
  });

  test("ends as failed, not as undone, when there was nothing to take back", async () => {
    house = await openHouse([
      scripted("failing", () => [
        {
          name: "a",
          run: async () => {
            throw new StewardError("command_failed", "no");
          },
        },
      ]),
    ]);
    const id = await house.ask("failing");
    await house.approve(id);
    await house.until(id, ["failed"]);
  });

  test("a failed undo stops and asks; Retry goes on where it stopped", async () => {
    let broken = true;
    house = await openHouse([
      scripted("stuck", () => [
        { name: "a", run: () => house.effect("do a"), takeBack: () => house.effect("undo a") },
        {
          name: "b",
          run: async () => {
            throw new StewardError("command_failed", "no");
          },
          takeBack: async () => {
            if (broken) throw new StewardError("command_failed", "cannot undo");
            await house.effect("undo b");
          },
        },
      ]),
    ]);
    const id = await house.ask("stuck");
    await house.approve(id);
    const run = await house.until(id, ["needs_decision"]);
    expect(run.decision).toMatchObject({
      step: "b",
      direction: "undo",
      choices: ["retry", "skip", "abandon"],
    });
    expect(await house.effects()).toEqual(["do a"]);
    broken = false;
    await transaction(house.context.journal, (tx) =>
      decideStuck(house.context, tx, { runId: id, actor: OLGA, choice: "retry" }),
    );
    await house.until(id, ["undone"]);
    expect(await house.effects()).toEqual(["do a", "undo b", "undo a"]);
  });

  test("a step that cannot decide for itself waits for a person; Skip goes on behind it", async () => {
    house = await openHouse([
      scripted("asking", () => [
        {
          name: "a",
          run: async () => {
            throw new NeedsDecision("unsure", "which one?");
          },
        },
        { name: "b", run: () => house.effect("b") },
      ]),
    ]);
    const id = await house.ask("asking");
    await house.approve(id);
    const run = await house.until(id, ["needs_decision"]);
    expect(run.decision).toMatchObject({ reason: "which one?", choices: ["retry", "skip", "undo"] });
    await transaction(house.context.journal, (tx) =>
      decideStuck(house.context, tx, { runId: id, actor: OLGA, choice: "skip" }),
    );
    await house.until(id, ["succeeded"]);
    expect(await house.effects()).toEqual(["b"]);
  });

  test("a cancel is honoured between steps and takes back what was done", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    house = await openHouse([
      scripted("long", () => [
        {
          name: "a",
          run: async () => {
            await house.effect("do a");
            await held;
          },
          takeBack: () => house.effect("undo a"),
        },
        { name: "b", run: () => house.effect("do b") },
      ]),
    ]);
    const id = await house.ask("long");
    await house.approve(id);
    await expect.poll(() => house.effects(), { timeout: 10_000 }).toEqual(["do a"]);
    await transaction(house.context.journal, (tx) =>
      cancelRun(house.context, tx, { runId: id, actor: OLGA }),
    );
    release();
    await house.until(id, ["cancelled"]);
    expect(await house.effects()).toEqual(["do a", "undo a"]);
  });

  test("is planned although the journal goes away in the middle of it", async () => {
    let plannings = 0;
    const script = scripted("steady", () => [{ name: "a", run: () => house.effect("a") }]);
    house = await openHouse([
      {
        ...script,
        async plan(input) {
          plannings += 1;
          // as a restart of the server ends it: once when it is planned, and once when it starts
          if (plannings === 1 || plannings === 3)
            await input.context.journal.query("select pg_terminate_backend(pg_backend_pid())");
          return await script.plan(input);
        },
      },
    ]);
    const id = await house.ask("steady");
    await house.approve(id);
    await house.until(id, ["succeeded"]);
    expect(plannings).toBe(4);
    expect(await house.effects()).toEqual(["a"]);
  });

  test("keeps each step's output, redacted, and hands facts from step to step", async () => {
    house = await openHouse([
      scripted("talking", () => [
        {
          name: "a",
          run: async (deed) => {
            deed.remember({ answer: 42 });
            await deed.command(["printf", "%s", "password=hunter22 ; rm -rf /"]);
          },
        },
        {
          name: "b",
          run: async (deed) => {
            await house.effect(`answer ${deed.recall("answer")}`);
          },
        },
      ]),
    ]);
    const id = await house.ask("talking");
    await house.approve(id);
    await house.until(id, ["succeeded"]);
    expect(await house.effects()).toEqual(["answer 42"]);
    const [attempt] = await listAttempts(house.context.journal, id);
    expect(attempt!.output).toContain("; rm -rf /");
    expect(attempt!.output).not.toContain("hunter22");
    expect(attempt!.process).toMatchObject({ pid: expect.any(Number), startedAt: expect.any(String) });
  });

  test("a service in observe mode is never changed", async () => {
    house = await openHouse([scripted("one", () => [])], { services: { shop: { observe: true } } });
    await expect(house.ask("one")).rejects.toMatchObject({ code: "observe_mode" });
  });

  test("who is no operator cannot ask", async () => {
    house = await openHouse([scripted("one", () => [])]);
    const bea = { kind: "person" as const, id: "U0BEA", team: "T1" };
    await expect(
      transaction(house.context.journal, (tx) =>
        requestRun(house.context, tx, {
          runbook: "one",
          service: "shop",
          args: {},
          actor: bea,
          channel: "ops",
          intentId: null,
        }),
      ),
    ).rejects.toMatchObject({ code: "not_allowed" });
  });
});

describe("a run that is abandoned", () => {
  test("says what it leaves in force", async () => {
    house = await openHouse([
      scripted("half", () => [
        { name: "hold", leaves: "writes may still be held", run: async () => {} },
        {
          name: "ask",
          run: async () => {
            throw new NeedsDecision("unsure", "which one?");
          },
        },
        { name: "later", leaves: "not done, not left", run: async () => {} },
      ]),
    ]);
    const id = await house.ask("half");
    await house.approve(id);
    const stuck = await house.until(id, ["needs_decision"]);
    await transaction(house.context.journal, (tx) =>
      moveRun(tx, id, ["needs_decision"], "needs_decision", {
        decision: { ...stuck.decision!, choices: ["abandon"] },
      }),
    );
    await transaction(house.context.journal, (tx) =>
      decideStuck(house.context, tx, { runId: id, actor: OLGA, choice: "abandon" }),
    );
    const run = await house.until(id, ["failed"]);
    expect(run.error).toEqual({
      code: "abandoned",
      message: "Left as it is at ask: which one?",
      hint: "writes may still be held",
    });
  });
});

describe("after a crash", () => {
  test("another replica goes on: a finished step is not run again, an idempotent one is", async () => {
    let entered = () => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    let tries = 0;
    house = await openHouse([
      scripted("long", () => [
        { name: "a", run: () => house.effect("a") },
        {
          name: "b",
          run: async (deed) => {
            tries += 1;
            await house.effect(`b${tries}`);
            if (tries === 1) {
              entered();
              await deed.command(["sleep", "600"]);
            }
          },
        },
      ]),
    ]);
    const id = await house.ask("long");
    await house.approve(id);
    await inside;
    const sleeping = await waitForProcess(id);
    const other = await house.replica();
    // the first replica stops in the middle of the step, as at a deploy
    await house.stopFirst();
    const run = await untilOn(other.context, id, "succeeded");
    expect(run.state).toBe("succeeded");
    expect(await house.effects()).toEqual(["a", "b1", "b2"]);
    expect(isRunning(sleeping)).toBe(false);
  });

  test("a step that is not idempotent is not repeated unasked", async () => {
    let tries = 0;
    house = await openHouse([
      scripted("once", () => [
        {
          name: "pay",
          idempotent: false,
          run: async (deed) => {
            tries += 1;
            await house.effect(`pay ${tries}`);
            if (tries === 1) await deed.command(["sleep", "600"]);
          },
        },
      ]),
    ]);
    const id = await house.ask("once");
    await house.approve(id);
    await waitForProcess(id);
    const other = await house.replica();
    await house.stopFirst();
    const run = await untilOn(other.context, id, "needs_decision");
    expect(run.decision).toMatchObject({ step: "pay", choices: ["retry", "skip", "undo"] });
    expect(await house.effects()).toEqual(["pay 1"]);
  });

  test("a holder whose token is spent can write nothing more", async () => {
    house = await openHouse([scripted("one", () => [{ name: "a", run: async () => {} }])]);
    const id = await house.ask("one");
    await house.until(id, ["awaiting_approval"]);
    const { journal } = house.context;
    await moveRun(journal, id, ["awaiting_approval"], "running");
    const old = (await claimRun(journal, id))!;
    const attempt = await beginAttempt(journal, {
      runId: id,
      step: "a",
      position: 0,
      direction: "do",
      token: old.token,
      holder: "old",
    });
    await claimRun(journal, id);
    await expect(endAttempt(journal, attempt, { outcome: "done", output: "" })).rejects.toMatchObject({
      code: "claim_lost",
    });
    await expect(
      beginAttempt(journal, {
        runId: id,
        step: "b",
        position: 1,
        direction: "do",
        token: old.token,
        holder: "old",
      }),
    ).rejects.toMatchObject({ code: "claim_lost" });
  });
});

async function waitForProcess(runId: number): Promise<number> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const attempt = (await listAttempts(house.context.journal, runId)).findLast(
      (candidate) => candidate.process,
    );
    if (attempt?.process && isRunning(attempt.process.pid)) return attempt.process.pid;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("no process was journaled");
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilOn(context: House["context"], id: number, state: string) {
  for (const deadline = Date.now() + 25_000; Date.now() < deadline; ) {
    const run = await loadRun(context.journal, id);
    if (run?.state === state) return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`run ${id} did not become ${state}: ${JSON.stringify(await loadRun(context.journal, id))}`);
}
