import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { transaction } from "../../src/journal/database.ts";
import { appendEvent, listEvents } from "../../src/journal/events.ts";
import { listReleases, recordRelease } from "../../src/journal/releases.ts";
import {
  activeRun,
  claimRun,
  expiredRuns,
  listRuns,
  loadRun,
  moveRun,
  nextQueuedRun,
  recordApproval,
  servicesUnderRun,
} from "../../src/journal/runs.ts";
import { OLGA, openTestJournal, type TestJournal } from "./world.ts";

let world: TestJournal;
beforeAll(async () => {
  world = await openTestJournal();
});
afterAll(() => world.close());
beforeEach(() => world.journal.query("truncate runs, approvals, attempts, releases, events cascade"));

describe("moving a run", () => {
  test("is done by one of several who try at once", async () => {
    const id = await world.run("queued");
    const moved = await Promise.all(
      [world.journal, world.other, world.journal, world.other].map((by) =>
        moveRun(by, id, ["queued"], "cancelled", { ended: true }),
      ),
    );
    expect(moved.filter(Boolean)).toHaveLength(1);
    expect(await loadRun(world.journal, id)).toMatchObject({
      state: "cancelled",
      revision: 2,
      endedAt: expect.any(Date),
    });
  });

  test("from a state that it is not in changes nothing", async () => {
    const id = await world.run("succeeded");
    const before = await loadRun(world.journal, id);
    expect(
      await moveRun(world.journal, id, ["running", "queued"], "failed", {
        error: { code: "x", message: "y" },
      }),
    ).toBeUndefined();
    expect(await loadRun(world.journal, id)).toEqual(before);
  });

  test("with a spent token writes nothing", async () => {
    const id = await world.run("running");
    const old = (await claimRun(world.journal, id))!;
    const mine = (await claimRun(world.other, id))!;
    expect(mine.token).toBe(old.token + 1);
    const before = await loadRun(world.journal, id);
    expect(
      await moveRun(world.journal, id, ["running"], "succeeded", { ended: true, facts: { x: 1 } }, old.token),
    ).toBeUndefined();
    expect(await loadRun(world.journal, id)).toEqual(before);
    expect(await moveRun(world.journal, id, ["running"], "succeeded", {}, mine.token)).toMatchObject({
      state: "succeeded",
    });
  });

  test("keeps what the change does not name, and clears what it sets to null", async () => {
    const id = await world.run("running");
    const decision = {
      step: "migrate",
      direction: "do" as const,
      reason: "why",
      choices: ["retry" as const],
    };
    await moveRun(world.journal, id, ["running"], "needs_decision", {
      decision,
      error: { code: "a", message: "b" },
      facts: { backupId: 3 },
    });
    await moveRun(world.journal, id, ["needs_decision"], "running", {
      decision: null,
      facts: { dataKept: true },
    });
    expect(await loadRun(world.journal, id)).toMatchObject({
      decision: null,
      error: { code: "a" },
      facts: { backupId: 3, dataKept: true },
    });
  });

  test("to the end takes it off who would carry it on", async () => {
    const id = await world.run("cancelled");
    expect(await claimRun(world.journal, id)).toBeUndefined();
  });
});

describe("a service's slot", () => {
  test("is held by running, undoing and waiting for a decision, not by waiting for approval or in the queue", async () => {
    for (const state of ["awaiting_approval", "queued", "succeeded"] as const) await world.run(state);
    expect(await activeRun(world.journal, "shop")).toBeUndefined();
    const id = await world.run("needs_decision");
    expect(await activeRun(world.journal, "shop")).toMatchObject({ id });
    expect(await activeRun(world.journal, "shop@production")).toBeUndefined();
    expect([...(await servicesUnderRun(world.journal))]).toEqual([]);
  });

  test("goes to the oldest in the queue, once nobody holds it", async () => {
    const holding = await world.run("running");
    const [older, newer] = [await world.run("queued"), await world.run("queued")];
    const elsewhere = await world.run("queued", "till");
    expect(await nextQueuedRun(world.journal, "shop", "service")).toBeUndefined();
    expect(await nextQueuedRun(world.journal, "till", "service")).toMatchObject({ id: elsewhere });
    await moveRun(world.journal, holding, ["running"], "succeeded", { ended: true });
    expect(await nextQueuedRun(world.journal, "shop", "service")).toMatchObject({ id: older });
    await moveRun(world.journal, older, ["queued"], "cancelled");
    expect(await nextQueuedRun(world.journal, "shop", "service")).toMatchObject({ id: newer });
  });

  test("is started by one of two at once: the index lets the other not in", async () => {
    const ids = [await world.run("queued"), await world.run("queued")];
    const results = await Promise.allSettled(
      ids.map((id) => moveRun(world.journal, id, ["queued"], "running")),
    );
    expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

test("a person's decision about a plan counts once; about the next plan it counts anew", async () => {
  const runId = await world.run("awaiting_approval");
  const approve = (planHash: string) =>
    recordApproval(world.journal, { runId, planHash, actor: OLGA, decision: "approve", reason: null });
  expect(await Promise.all([approve("a"), approve("a")]).then((told) => told.sort())).toEqual([false, true]);
  expect(await approve("b")).toBe(true);
});

test("runs whose time for an approval is over are found, no others", async () => {
  const [over, open, never] = [
    await world.run("awaiting_approval"),
    await world.run("awaiting_approval"),
    await world.run("awaiting_approval"),
  ];
  await world.journal.query("update runs set expires_at = now() - interval '1 ms' where id = $1", [over]);
  await world.journal.query("update runs set expires_at = now() + interval '1 hour' where id = $1", [open]);
  expect((await expiredRuns(world.journal)).map((run) => run.id)).toEqual([over]);
  expect((await listRuns(world.journal, { active: true })).map((run) => run.id)).toEqual([never, open, over]);
});

test("a release is recorded once a run, however often the step is repeated", async () => {
  const runId = await world.run("running");
  const release = { service: "shop", version: "1.1.0", commit: "bbb", runId, backupId: null, notes: {} };
  for (let time = 0; time < 3; time += 1)
    await transaction(world.journal, (tx) => recordRelease(tx, release));
  expect(await listReleases(world.journal, "shop")).toHaveLength(1);
});

test("a transaction that fails leaves nothing: no state, no event", async () => {
  const id = await world.run("queued");
  const failing = transaction(world.journal, async (tx) => {
    await moveRun(tx, id, ["queued"], "running");
    await appendEvent(tx, { kind: "run", id }, "started");
    await tx.query("select no_such_column");
  });
  await expect(failing).rejects.toMatchObject({ code: "42703" });
  expect(await loadRun(world.journal, id)).toMatchObject({ state: "queued", revision: 1 });
  expect(await listEvents(world.journal, { kind: "run", id })).toEqual([]);
});
