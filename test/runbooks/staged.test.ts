/** After a release: watched, taken back or passed on to the next environment. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transaction } from "../../src/journal/database.ts";
import { saveCheckStates } from "../../src/journal/readings.ts";
import { listReleases, recordRelease } from "../../src/journal/releases.ts";
import { listRuns, loadRun } from "../../src/journal/runs.ts";
import type { CheckState, Run } from "../../src/journal/types.ts";
import type { Runbook } from "../../src/runbooks/runbook.ts";
import { type House, OLGA, openHouse, scripted } from "./house.ts";

const HOUR = 3_600_000;
let house: House;

const update: Runbook = {
  ...releasing("update"),
  planned: true,
  args: [{ name: "version", required: true, help: "a version" }],
};
const rollback: Runbook = { ...releasing("rollback"), cure: true };

/** Records a release that is watched for an hour. */
function releasing(name: string): Runbook {
  const script = scripted(name, (service) => [
    {
      name: "record",
      run: (deed) =>
        transaction(deed.context.journal, (tx) =>
          recordRelease(tx, {
            service: service.id,
            version: deed.run.args.version ?? "before",
            commit: "c".repeat(40),
            runId: deed.run.id,
            backupId: null,
            notes: {},
            watchMs: name === "update" ? HOUR : 0,
          }),
        ),
    },
  ]);
  return {
    ...script,
    plan: async (input) => ({ ...(await script.plan(input)), to: input.args.version ?? null }),
  };
}

beforeAll(async () => {
  const environments = { staging: {}, production: { after: "staging", channel: "production-runs" } };
  house = await openHouse([update, rollback], {
    services: {
      shop: { environments },
      bad: { environments },
      plain: {},
      brave: { runbooks: { update: { onCritical: "undo" } } },
      quiet: {},
    },
  });
});
afterAll(() => house.close());

async function release(service: string, version: string): Promise<Run> {
  const id = await house.ask("update", service, { version });
  await house.approve(id);
  return await house.until(id, ["succeeded"]);
}

function turns(service: string, settled: CheckState["settled"], at = new Date()): Promise<void> {
  const summary = "http 500 ≠ 200 (critical)";
  return saveCheckStates(house.context.journal, [
    {
      service,
      name: "http",
      state: settled,
      since: at,
      reading: {
        service,
        check: "http",
        type: "http",
        component: "application",
        state: settled,
        summary,
        value: 500,
        unit: "",
        at: at.toISOString(),
        durationMs: 1,
      },
      recent: [settled],
      settled,
      settledSince: at,
      at,
    },
  ]);
}

async function runsOf(service: string, runbook: string): Promise<Run[]> {
  return (await listRuns(house.context.journal, { service })).filter((run) => run.runbook === runbook);
}

const watchIsOver = (service: string) =>
  house.context.journal.query(
    "update releases set watch_until = now() where service = $1 and watch = 'watching'",
    [service],
  );

describe("a version on its way to production", () => {
  it("has to run before it in the environment that comes first", async () => {
    const id = await house.ask("update", "shop@production", { version: "1.0.0" });
    const run = await house.until(id, ["void"]);
    expect(run.error).toMatchObject({
      code: "staging_first",
      hint: expect.stringContaining("shop@staging 1.0.0"),
    });
  });

  it("is watched there, then asked for with an approval of its own that its requester cannot give", async () => {
    const first = await release("shop@staging", "1.1.0");
    const early = await house.ask("update", "shop@production", { version: "1.1.0" });
    expect((await house.until(early, ["awaiting_approval"])).held?.reason).toBe(
      "1.1.0 is still watched in staging",
    );
    await watchIsOver("shop@staging");
    await expect
      .poll(async () => (await runsOf("shop@production", "update")).length, { timeout: 10_000 })
      .toBe(3);
    const [asked] = await runsOf("shop@production", "update");
    expect(asked).toMatchObject({
      args: { version: "1.1.0" },
      follows: first.id,
      requestedBy: { id: OLGA.id },
      channel: "production-runs",
    });
    await house.until(asked!.id, ["awaiting_approval"]);
    await expect(house.approve(asked!.id, OLGA)).rejects.toMatchObject({ code: "own_request" });
    await house.approve(asked!.id);
    await house.until(asked!.id, ["succeeded"]);
  });

  it("does not come there when it turned critical before", async () => {
    await release("bad@staging", "1.1.0");
    await turns("bad@staging", "critical");
    await expect
      .poll(async () => (await listReleases(house.context.journal, "bad@staging"))[0]!.watch, {
        timeout: 10_000,
      })
      .toBe("bad");
    const id = await house.ask("update", "bad@production", { version: "1.1.0" });
    expect((await house.until(id, ["void"])).error).toMatchObject({ code: "staging_bad" });
  });
});

describe("a release that turns critical while it is watched", () => {
  it("asks for a rollback, once, in the name of the watch", async () => {
    const first = await release("plain", "1.1.0");
    const other = await house.replica();
    await turns("plain", "critical");
    await expect.poll(async () => (await runsOf("plain", "rollback")).length, { timeout: 10_000 }).toBe(1);
    const [asked] = await runsOf("plain", "rollback");
    expect(asked).toMatchObject({ requestedBy: { kind: "system", id: "watch" }, follows: first.id });
    await house.until(asked!.id, ["awaiting_approval"]);
    expect((await listReleases(house.context.journal, "plain"))[0]).toMatchObject({
      watch: "bad",
      watched: { summary: "http 500 ≠ 200 (critical)" },
    });
    await other.stop();
    expect(await runsOf("plain", "rollback")).toHaveLength(1);
  });

  it("is taken back by itself where the service declares so", async () => {
    await release("brave", "1.1.0");
    await turns("brave", "critical");
    await expect.poll(async () => (await runsOf("brave", "rollback")).length, { timeout: 10_000 }).toBe(1);
    const [asked] = await runsOf("brave", "rollback");
    expect(await house.until(asked!.id, ["succeeded"])).toMatchObject({ standing: expect.any(String) });
    expect((await listReleases(house.context.journal, "brave"))[0]!.version).toBe("before");
  });

  it("is not taken back for a check that was critical before it, and not called good either", async () => {
    await turns("quiet", "critical", new Date(Date.now() - HOUR));
    const run = await release("quiet", "1.1.0");
    await watchIsOver("quiet");
    await expect
      .poll(async () => (await listReleases(house.context.journal, "quiet"))[0]!.watch, { timeout: 10_000 })
      .toBe("bad");
    expect(await runsOf("quiet", "rollback")).toEqual([]);
    expect((await loadRun(house.context.journal, run.id))!.state).toBe("succeeded");
  });
});
