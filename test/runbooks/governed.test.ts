/** What starts a run besides a second person's approval, and what keeps an approved one waiting. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/config.ts";
import { transaction } from "../../src/journal/database.ts";
import { listEvents } from "../../src/journal/events.ts";
import { claimIncident, resolve } from "../../src/journal/incidents.ts";
import { listApprovals, loadRun, moveRun } from "../../src/journal/runs.ts";
import type { Run } from "../../src/journal/types.ts";
import { chooseAlternative } from "../../src/runbooks/alternatives.ts";
import { breakGlass, nagForReviews, reviewRun } from "../../src/runbooks/break-glass.ts";
import { decideApproval, requestRun } from "../../src/runbooks/requests.ts";
import { NeedsDecision, type Runbook } from "../../src/runbooks/runbook.ts";
import { ADA, AMIR, BEA, type House, OLGA, openHouse, scripted } from "./house.ts";

const ARGS: Runbook["args"] = [
  { name: "version", required: false, help: "a version" },
  { name: "despite", required: false, help: "what was seen", named: true },
];
let stuck = true;
let hurdle: Promise<void> = Promise.resolve();
const work = { ...scripted("work", (service) => [effect(service)]), args: ARGS };
const books: Runbook[] = [
  work,
  { ...work, name: "update", planned: true },
  { ...work, name: "restart" },
  { ...work, name: "rollback", cure: true },
  {
    ...scripted("sticky", (service) => [
      {
        name: "hold",
        leaves: "writes may still be held",
        run: () => house.effect(`hold ${service.id}`),
        takeBack: () => house.effect(`release ${service.id}`),
      },
      {
        name: "stick",
        async run() {
          await hurdle;
          if (stuck) throw new NeedsDecision("stuck", "it cannot go on by itself");
        },
        takeBack: async () => {},
      },
    ]),
  },
  {
    ...scripted("choosy", (service) => [effect(service)]),
    args: [{ name: "database", required: false, help: "keep or restore", named: true }],
    plan: async (input) => ({
      ...(await work.plan(input)),
      subject: { database: input.args.database ?? "restore" },
      alternatives: [{ label: "Code only", args: { database: "keep" } }],
    }),
  },
];
let house: House;

beforeAll(async () => {
  const each = [
    "held",
    "timed",
    "broken",
    "stuck",
    "stuck2",
    "stuck3",
    "approved",
    "choice",
    "incident",
    "waits",
  ];
  const hourly = { standing: { restart: { hourly: 2 }, rollback: { by: { users: ["U0AMIR"] } } } };
  house = await openHouse(books, {
    services: {
      ...Object.fromEntries(each.map((name) => [name, name === "approved" ? hourly : {}])),
      frozen: {},
    },
  });
  house.context.config.roles.breakGlass = { users: ["U0OLGA"], groups: [] };
});
afterAll(() => house.close());

function effect(service: Service) {
  return { name: "work", run: () => house.effect(`worked on ${service.id}`) };
}
const effectsOn = async (service: string) =>
  (await house.effects()).filter((line) => line.endsWith(` ${service}`));
const inTransaction = <T>(deed: Parameters<typeof transaction<T>>[1]) =>
  transaction(house.context.journal, deed);
const notices = async (kind: string) =>
  (await house.context.journal.query("select * from notices where kind = $1 order by id", [kind])).rows;
const changeOf = async (id: number, test: (run: Run) => boolean) => {
  await expect
    .poll(async () => test((await loadRun(house.context.journal, id))!), { timeout: 15_000 })
    .toBe(true);
  return (await loadRun(house.context.journal, id))!;
};
const ask = (runbook: string, service: string, more: object = {}) =>
  inTransaction((tx) =>
    requestRun(house.context, tx, {
      runbook,
      service,
      args: {},
      actor: OLGA,
      channel: "ops",
      intentId: null,
      ...more,
    }),
  );

describe("planned work", () => {
  it("is held back by a freeze, approved though it is, and says until when; a cure is not", async () => {
    const { freezes } = house.context.config;
    freezes.push({ from: "2020-01-01", to: "2099-12-31", reason: "year end", services: ["frozen"] });
    const id = await ask("update", "frozen");
    expect((await house.until(id, ["awaiting_approval"])).held?.reason).toBe("freeze “year end”");
    await house.approve(id);
    const held = await changeOf(id, (run) => run.state === "queued" && run.notBefore !== null);
    expect(held.held).toEqual({ reason: "freeze “year end”", until: null });

    const cure = await ask("rollback", "frozen");
    await house.approve(cure);
    await house.until(cure, ["succeeded"]);
    expect(await effectsOn("frozen")).toHaveLength(1);

    freezes.splice(0);
    await house.until(id, ["succeeded"], 30_000);
    expect(await effectsOn("frozen")).toHaveLength(2);
  });

  it("waits while an incident of the service is open, unless it was asked for despite that", async () => {
    const open = await inTransaction((tx) =>
      claimIncident(tx, {
        service: "incident",
        cause: "service",
        title: "http is down",
        observed: false,
        reopenWithinMs: 0,
      }),
    );
    const waiting = await ask("update", "incident");
    await house.approve(waiting);
    const held = await changeOf(waiting, (run) => run.state === "queued" && run.held !== null);
    expect(held.held?.reason).toBe(`incident ${open.incident.id} is open: http is down`);
    const despite = await ask("update", "incident", { args: { despite: "incident" } });
    await house.approve(despite);
    await house.until(despite, ["succeeded"]);
    await inTransaction((tx) => resolve(tx, open.incident.id, BEA, "mended"));
    await house.until(waiting, ["succeeded"], 30_000);
  });

  it("starts at the time it was asked for and not before", async () => {
    const id = await ask("work", "timed", { at: "+1h" });
    await house.approve(id);
    const queued = await changeOf(id, (run) => run.state === "queued" && run.held !== null);
    expect(queued.scheduledFor!.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
    // a run behind it that has no such time goes first
    const other = await ask("work", "timed");
    await house.approve(other);
    await house.until(other, ["succeeded"]);
    expect((await loadRun(house.context.journal, id))!.state).toBe("queued");
    await house.context.journal.query(
      "update runs set scheduled_for = now() - interval '1 second', not_before = now() where id = $1",
      [id],
    );
    await house.until(id, ["succeeded"]);
  });
});

describe("an approval given beforehand", () => {
  it("starts a declared runbook at once, is limited an hour, and is recorded with the declaration's hash", async () => {
    const [first, second] = [await ask("restart", "approved"), await ask("restart", "approved")];
    for (const id of [first, second]) {
      const run = await house.until(id, ["succeeded"]);
      expect(run.standing).toMatch(/^[0-9a-f]{64}$/);
      expect(await listApprovals(house.context.journal, id)).toEqual([]);
    }
    const story = await listEvents(house.context.journal, { kind: "run", id: second });
    expect(story.find(({ kind }) => kind === "approved")).toMatchObject({
      actor: { kind: "system", id: "standing" },
      data: {
        used: 2,
        hourly: 2,
        declaration: house.context.config.services.find(({ id }) => id === "approved")!.declaration,
      },
    });
    const third = await ask("restart", "approved");
    expect((await house.until(third, ["awaiting_approval"])).standing).toBeNull();
  });

  it("is for the people it names, and for a rollback that leaves the database alone", async () => {
    expect((await house.until(await ask("rollback", "approved"), ["awaiting_approval"])).standing).toBeNull();
    const id = await ask("rollback", "approved", { actor: AMIR });
    expect((await house.until(id, ["succeeded"])).standing).not.toBeNull();
  });

  it("does not outlive the declaration that gave it", async () => {
    const service = house.context.config.services.find(({ id }) => id === "waits")!;
    service.standing = { restart: { hourly: 5 } };
    const blocker = await ask("sticky", "waits");
    stuck = true;
    await house.approve(blocker);
    await house.until(blocker, ["needs_decision"]);
    const id = await ask("restart", "waits");
    await house.until(id, ["queued"]);
    service.declaration = "another";
    await inTransaction((tx) => moveRun(tx, blocker, ["needs_decision"], "failed", { ended: true }));
    const again = await house.until(id, ["awaiting_approval"]);
    expect(again).toMatchObject({ standing: null });
    expect(again.plan!.context.warnings[0]).toMatch(/declaration of waits.* is another one now/);
    expect(await effectsOn("waits")).not.toContain("worked on waits");
  });
});

describe("breaking the glass", () => {
  it("starts the requester's own run, only for the named role and with a reason, and wants a review by somebody else", async () => {
    const id = await ask("work", "broken");
    const { planHash } = await house.until(id, ["awaiting_approval"]);
    const smash = (actor: typeof OLGA, reason: string, hash = planHash!) =>
      inTransaction((tx) => breakGlass(house.context, tx, { runId: id, planHash: hash, actor, reason }));
    await expect(smash(ADA, "an admin is not named for it")).rejects.toMatchObject({ code: "not_allowed" });
    await expect(smash({ ...OLGA, guest: true }, "a guest")).rejects.toMatchObject({ code: "not_allowed" });
    await expect(smash(OLGA, "  ")).rejects.toMatchObject({ code: "reason_missing" });
    await expect(smash(OLGA, "stale", "0".repeat(64))).rejects.toMatchObject({ code: "plan_changed" });
    await smash(OLGA, "nobody else is awake; password=hunter22222");
    const done = await house.until(id, ["succeeded"]);
    expect(done.breakGlass).toMatchObject({
      actor: { id: OLGA.id },
      reason: "nobody else is awake; password=[redacted]",
    });
    await expect(smash(OLGA, "twice")).rejects.toMatchObject({ code: "not_awaiting_approval" });

    expect(await notices("review-wanted")).toMatchObject([{ data: { runId: id, by: OLGA.id } }]);
    const review = (actor: typeof OLGA) =>
      inTransaction((tx) => reviewRun(house.context, tx, { runId: id, actor }));
    await expect(review(OLGA)).rejects.toMatchObject({ code: "own_request" });
    await nagForReviews(house.context);
    expect(await notices("review-overdue")).toEqual([]);
    await house.context.journal.query(
      "update runs set review_due_at = now() - interval '1 minute' where id = $1",
      [id],
    );
    await nagForReviews(house.context);
    await nagForReviews(house.context);
    expect(await notices("review-overdue")).toHaveLength(1);
    await review(BEA);
    await expect(review(AMIR)).rejects.toMatchObject({ code: "no_review_wanted" });
    await house.context.journal.query(
      "update runs set nagged_at = now() - interval '13 hours' where id = $1",
      [id],
    );
    await nagForReviews(house.context);
    expect(await notices("review-overdue")).toHaveLength(1);
  });

  it("overrides a freeze for that plan", async () => {
    const { freezes } = house.context.config;
    freezes.push({ from: "2020-01-01", to: "2099-12-31", reason: "year end", services: ["held"] });
    const id = await ask("update", "held");
    await house.approve(id);
    const { planHash } = await changeOf(id, (run) => run.state === "queued" && run.notBefore !== null);
    await inTransaction((tx) =>
      breakGlass(house.context, tx, { runId: id, planHash: planHash!, actor: OLGA, reason: "it burns" }),
    );
    await house.until(id, ["succeeded"]);
    freezes.splice(0);
  });
});

describe("a run that is stuck in the way of a cure", () => {
  it("is left as it is in the same approval, which says what that leaves in force", async () => {
    stuck = true;
    const first = await ask("sticky", "stuck");
    await house.approve(first);
    await house.until(first, ["needs_decision"]);
    const cure = await ask("rollback", "stuck");
    const planned = await house.until(cure, ["awaiting_approval"]);
    expect(planned.settles).toEqual({ runId: first, choice: "abandon" });
    expect(planned.plan!.context.warnings[0]).toBe(
      `Run ${first} (sticky) is stuck at stick; approving this leaves it as it is: writes may still be held`,
    );
    await house.approve(cure);
    await house.until(cure, ["succeeded"]);
    expect(await loadRun(house.context.journal, first)).toMatchObject({
      state: "failed",
      error: { code: "abandoned" },
    });
    const story = await listEvents(house.context.journal, { kind: "run", id: first });
    expect(story.find(({ kind }) => kind === "decided")).toMatchObject({ actor: { id: BEA.id } });
  });

  it("is undone first when that is chosen, which is a plan of its own", async () => {
    stuck = true;
    const first = await ask("sticky", "stuck2");
    await house.approve(first);
    await house.until(first, ["needs_decision"]);
    const cure = await ask("rollback", "stuck2");
    const offered = await house.until(cure, ["awaiting_approval"]);
    const index = offered.plan!.alternatives!.findIndex(({ label }) => label === `Undo run ${first} first`);
    await inTransaction((tx) =>
      chooseAlternative(house.context, tx, { runId: cure, planHash: offered.planHash!, index, actor: BEA }),
    );
    const chosen = await changeOf(
      cure,
      (run) => run.state === "awaiting_approval" && run.planHash !== offered.planHash,
    );
    expect(chosen.settles).toEqual({ runId: first, choice: "undo" });
    await house.approve(cure);
    await house.until(cure, ["succeeded"]);
    expect((await loadRun(house.context.journal, first))!.state).toBe("undone");
    expect(await effectsOn("stuck2")).toEqual(["hold stuck2", "release stuck2", "worked on stuck2"]);
  });

  it("is offered to be settled even if it got stuck after the cure was approved", async () => {
    stuck = false;
    const gate = Promise.withResolvers<void>();
    hurdle = gate.promise;
    const first = await ask("sticky", "stuck3");
    await house.approve(first);
    await house.until(first, ["running"]);
    const cure = await ask("rollback", "stuck3");
    await house.approve(cure);
    await house.until(cure, ["queued"]);
    stuck = true;
    gate.resolve();
    await house.until(first, ["needs_decision"]);
    expect(await house.until(cure, ["awaiting_approval"])).toMatchObject({
      settles: { runId: first, choice: "abandon" },
    });
    await house.approve(cure);
    await house.until(cure, ["succeeded"]);
  });
});

describe("an alternative of a plan", () => {
  it("is planned anew, and an approval of the first plan does not count for it", async () => {
    const id = await ask("choosy", "choice");
    const offered = await house.until(id, ["awaiting_approval"]);
    const choose = (actor: typeof OLGA, index = 0) =>
      inTransaction((tx) =>
        chooseAlternative(house.context, tx, { runId: id, planHash: offered.planHash!, index, actor }),
      );
    await expect(choose({ kind: "person", id: "U0NOBODY" })).rejects.toMatchObject({ code: "not_allowed" });
    await expect(choose(BEA, 7)).rejects.toMatchObject({ code: "no_such_choice" });
    await choose(BEA);
    const chosen = await changeOf(
      id,
      (run) => run.state === "awaiting_approval" && run.planHash !== offered.planHash,
    );
    expect(chosen.plan!.subject.database).toBe("keep");
    await expect(
      inTransaction((tx) =>
        decideApproval(house.context, tx, {
          runId: id,
          planHash: offered.planHash!,
          actor: BEA,
          decision: "approve",
          reason: null,
        }),
      ),
    ).rejects.toMatchObject({ code: "plan_changed" });
    await house.approve(id);
    await house.until(id, ["succeeded"]);
  });
});

describe("a reminder", () => {
  it("is said once in the card's thread when half of the time is over", async () => {
    const id = await ask("work", "choice");
    await house.until(id, ["awaiting_approval"]);
    const mine = async () => (await notices("approval-reminder")).filter(({ data }) => data.runId === id);
    expect(await mine()).toEqual([]);
    await house.context.journal.query(
      "update runs set expires_at = now() + interval '29 minutes' where id = $1",
      [id],
    );
    await expect.poll(mine, { timeout: 10_000 }).toHaveLength(1);
    expect(await mine()).toMatchObject([{ data: { approvers: { users: ["U0AMIR", "U0BEA"] } } }]);
    const [message] = (
      await house.context.journal.query(
        "select m.*, c.subject_id as card from messages m join messages c on c.id = m.thread_of where m.subject_kind = 'notice' and m.subject_id = $1",
        [(await mine())[0]!.id],
      )
    ).rows;
    expect(message).toMatchObject({ card: id });
  });
});
