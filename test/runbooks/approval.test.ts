import { afterEach, describe, expect, test } from "vitest";
import type { Roles } from "../../src/config.ts";
import { transaction } from "../../src/journal/database.ts";
import { listApprovals, loadRun } from "../../src/journal/runs.ts";
import type { Actor, Approval, Run, RunState } from "../../src/journal/types.ts";
import { assertMayDecide, isApproved } from "../../src/runbooks/approval.ts";
import { cancelRun, decideApproval } from "../../src/runbooks/requests.ts";
import { ADA, AMIR, BEA, type House, OLGA, openHouse, scripted } from "./house.ts";

const HASH = "a1b2c3d4e5f6".padEnd(64, "0");
const OTHER = "f6e5d4c3b2a1".padEnd(64, "0");
const NOW = new Date("2026-11-23T12:00:00Z");
const ROLES: Roles = {
  operator: { users: ["U0OLGA", "U0AMIR"], groups: [] },
  approver: { users: ["U0AMIR", "U0BEA", "U0GUEST"], groups: ["S0APPROVERS"] },
  admin: { users: ["U0ADA"], groups: [] },
};
const person = (id: string, more: Partial<Actor> = {}): Actor => ({
  kind: "person",
  id,
  team: "T1",
  ...more,
});

function runOf(change: Partial<Run> = {}): Run {
  return {
    id: 7,
    state: "awaiting_approval",
    planHash: HASH,
    requestedBy: OLGA,
    approvalsNeeded: 1,
    expiresAt: new Date(NOW.getTime() + 1),
    ...change,
  } as Run;
}

function approvalOf(actor: Actor, change: Partial<Approval> = {}): Approval {
  return { id: 1, runId: 7, planHash: HASH, actor, decision: "approve", reason: null, at: NOW, ...change };
}

interface Case {
  run?: Partial<Run>;
  actor?: Actor;
  hash?: string;
  decision?: Approval["decision"];
  approvals?: Approval[];
  roles?: Roles;
}

function decide({
  run = {},
  actor = BEA,
  hash = HASH,
  decision = "approve",
  approvals = [],
  roles = ROLES,
}: Case) {
  try {
    assertMayDecide(runOf(run), { planHash: hash, actor, decision }, approvals, roles, NOW);
    return "allowed";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("who may decide about a plan", () => {
  test.each<[string, Case, string]>([
    ["an approver", {}, "allowed"],
    ["an approver by user group", { actor: person("U0NEW", { groups: ["S0APPROVERS"] }) }, "allowed"],
    ["an admin", { actor: ADA }, "allowed"],
    ["a run that never expires", { run: { expiresAt: null } }, "allowed"],
    ["the requester who is an approver", { actor: AMIR, run: { requestedBy: AMIR } }, "own_request"],
    ["the requester who is an admin", { actor: ADA, run: { requestedBy: ADA } }, "own_request"],
    [
      "an approver of what the schedule asked for",
      { run: { requestedBy: { kind: "system", id: "schedule" } } },
      "allowed",
    ],
    ["the requester who rejects", { actor: AMIR, run: { requestedBy: AMIR }, decision: "reject" }, "allowed"],
    ["the requester without the role who rejects", { actor: OLGA, decision: "reject" }, "not_allowed"],
    ["a guest who stands in the list", { actor: person("U0GUEST", { guest: true }) }, "not_allowed"],
    ["a guest who is an admin", { actor: { ...ADA, guest: true } }, "not_allowed"],
    ["a guest who rejects", { actor: person("U0GUEST", { guest: true }), decision: "reject" }, "not_allowed"],
    ["an operator alone", { actor: person("U0AMIR2") }, "not_allowed"],
    ["somebody without a role who rejects", { actor: person("U0NOBODY"), decision: "reject" }, "not_allowed"],
    ["a part of Steward", { actor: { kind: "system", id: "U0BEA" } }, "not_allowed"],
    ["anybody when no roles are declared", { roles: {} }, "not_allowed"],
    [
      "the same person again",
      { approvals: [approvalOf(BEA)], run: { approvalsNeeded: 2 } },
      "already_decided",
    ],
    [
      "the same person who now rejects",
      { approvals: [approvalOf(BEA)], run: { approvalsNeeded: 2 }, decision: "reject" },
      "already_decided",
    ],
    ["a second person", { approvals: [approvalOf(AMIR)], run: { approvalsNeeded: 2 } }, "allowed"],
    ["who approved an earlier plan", { approvals: [approvalOf(BEA, { planHash: OTHER })] }, "allowed"],
  ])("%s", (_, given, expected) => {
    expect(decide(given)).toBe(expected);
  });

  test.each<RunState>([
    "planning",
    "queued",
    "running",
    "needs_decision",
    "succeeded",
    "rejected",
    "cancelled",
    "expired",
    "void",
    "shown",
  ])("nobody once the run is %s: a click is not replayed", (state) => {
    expect(decide({ run: { state } })).toBe("not_awaiting_approval");
  });

  test.each<[string, string, string]>([
    ["the whole hash", HASH, "allowed"],
    ["its first 12 characters", HASH.slice(0, 12), "allowed"],
    ["another plan's", OTHER, "plan_changed"],
    ["another plan's first 12", OTHER.slice(0, 12), "plan_changed"],
    ["11 characters", HASH.slice(0, 11), "plan_changed"],
    ["one character", "a", "plan_changed"],
    ["nothing", "", "plan_changed"],
    ["more than the hash", `${HASH}0`, "plan_changed"],
    ["its middle", HASH.slice(1, 20), "plan_changed"],
    ["capitals", HASH.toUpperCase(), "plan_changed"],
  ])("by a card that carried %s", (_, hash, expected) => {
    expect(decide({ hash })).toBe(expected);
  });

  test("until it expires, and not from that moment on", () => {
    expect(decide({ run: { expiresAt: NOW } })).toBe("approval_expired");
    expect(decide({ run: { expiresAt: new Date(NOW.getTime() - 1) } })).toBe("approval_expired");
    expect(decide({ run: { planHash: null } })).toBe("not_awaiting_approval");
  });
});

describe("a plan is approved", () => {
  test.each<[string, number, Approval[], boolean]>([
    ["not by nobody", 1, [], false],
    ["by one where one is needed", 1, [approvalOf(BEA)], true],
    ["not by one where two are needed", 2, [approvalOf(BEA)], false],
    ["not by one person counted twice", 2, [approvalOf(BEA), approvalOf(BEA, { id: 2 })], false],
    ["by two people", 2, [approvalOf(BEA), approvalOf(AMIR, { id: 2 })], true],
    ["not by who approved another plan", 1, [approvalOf(BEA, { planHash: OTHER })], false],
    ["not by a rejection", 1, [approvalOf(BEA, { decision: "reject" })], false],
  ])("%s", (_, approvalsNeeded, approvals, expected) => {
    expect(isApproved(runOf({ approvalsNeeded }), approvals)).toBe(expected);
  });
});

describe("through the journal", () => {
  let house: House;
  afterEach(async () => {
    await house?.close();
  });

  async function asked(approvals = 1): Promise<{ id: number; hash: string }> {
    house = await openHouse([
      scripted(
        "one",
        () => [{ name: "one", run: () => house.effect("one") }],
        () => ({}),
        approvals,
      ),
    ]);
    const id = await house.ask("one");
    return { id, hash: (await house.until(id, ["awaiting_approval"])).planHash! };
  }
  const decideAs = (
    id: number,
    planHash: string,
    actor: Actor,
    decision: Approval["decision"] = "approve",
    reason: string | null = null,
  ) =>
    transaction(house.context.journal, (tx) =>
      decideApproval(house.context, tx, { runId: id, planHash, actor, decision, reason }),
    );
  const codeOf = (result: PromiseSettledResult<unknown>) =>
    result.status === "fulfilled" ? "allowed" : (result.reason as { code: string }).code;

  test("two who approve at once start it once; the later one is told", async () => {
    const { id, hash } = await asked();
    const results = await Promise.allSettled([AMIR, BEA, ADA].map((actor) => decideAs(id, hash, actor)));
    expect(results.map(codeOf).sort()).toEqual(["allowed", "not_awaiting_approval", "not_awaiting_approval"]);
    await house.until(id, ["succeeded"]);
    expect(await house.effects()).toEqual(["one"]);
    const jobs = await house.context.journal.query<{ n: number }>(
      "select count(*)::int as n from steward_queue.job where name = 'run' and singleton_key = $1",
      [String(id)],
    );
    expect(jobs.rows[0]!.n).toBe(1);
  });

  test("where two are needed both count, also at once, and one of them twice does not", async () => {
    const { id, hash } = await asked(2);
    const twice = await Promise.allSettled([decideAs(id, hash, BEA), decideAs(id, hash, BEA)]);
    expect(twice.map(codeOf).sort()).toEqual(["allowed", "already_decided"]);
    expect((await loadRun(house.context.journal, id))!.state).toBe("awaiting_approval");
    await Promise.all([decideAs(id, hash, AMIR)]);
    await house.until(id, ["succeeded"]);
    expect((await listApprovals(house.context.journal, id)).map((one) => one.actor.id)).toEqual([
      "U0BEA",
      "U0AMIR",
    ]);
  });

  test("of somebody who lost the role before it starts counts for nothing: the card asks again", async () => {
    const { id, hash } = await asked();
    house.context.asOfNow = async (actor) => (actor.id === BEA.id ? { ...actor, guest: true } : actor);
    await decideAs(id, hash, BEA);
    await expect
      .poll(async () => (await loadRun(house.context.journal, id))!.plan!.context.warnings, {
        timeout: 10_000,
      })
      .toEqual(["Changed since the approval: U0BEA approved it and may not approve any more"]);
    expect((await loadRun(house.context.journal, id))!.state).toBe("awaiting_approval");
    expect(await house.effects()).toEqual([]);
    await decideAs(id, hash, AMIR);
    await house.until(id, ["succeeded"]);
    expect(await house.effects()).toEqual(["one"]);
  });

  test("two different people at once are enough for two", async () => {
    const { id, hash } = await asked(2);
    await Promise.all([decideAs(id, hash, AMIR), decideAs(id, hash, BEA)]);
    await house.until(id, ["succeeded"]);
    expect(await house.effects()).toEqual(["one"]);
  });

  test("a rejection wants a reason, is final, and is kept with it", async () => {
    const { id, hash } = await asked();
    await expect(decideAs(id, hash, BEA, "reject", "  ")).rejects.toMatchObject({ code: "reason_missing" });
    expect(await listApprovals(house.context.journal, id)).toEqual([]);
    const run = await decideAs(id, hash, BEA, "reject", "not on a Friday");
    expect(run).toMatchObject({ state: "rejected", error: { code: "rejected", message: "not on a Friday" } });
    expect(run.endedAt).not.toBeNull();
    await expect(decideAs(id, hash, AMIR)).rejects.toMatchObject({ code: "not_awaiting_approval" });
    expect(await house.effects()).toEqual([]);
  });

  test("what was cancelled cannot be approved any more", async () => {
    const { id, hash } = await asked();
    await transaction(house.context.journal, (tx) =>
      cancelRun(house.context, tx, { runId: id, actor: OLGA }),
    );
    await expect(decideAs(id, hash, BEA)).rejects.toMatchObject({
      code: "not_awaiting_approval",
      message: `Run ${id} is not waiting for an approval: it is cancelled`,
    });
    expect(await listApprovals(house.context.journal, id)).toEqual([]);
  });

  test("an approval and a cancel at once: one of them has it, never both", async () => {
    const { id, hash } = await asked();
    await Promise.allSettled([
      decideAs(id, hash, BEA),
      transaction(house.context.journal, (tx) => cancelRun(house.context, tx, { runId: id, actor: OLGA })),
    ]);
    const run = await house.until(id, ["succeeded", "cancelled"]);
    if (run.state === "cancelled") expect(await house.effects()).toEqual([]);
    else expect(await house.effects()).toEqual(["one"]);
  });

  test("a run that does not exist is said", async () => {
    await asked();
    await expect(decideAs(999, HASH, BEA)).rejects.toMatchObject({ code: "unknown_run" });
  });
});
