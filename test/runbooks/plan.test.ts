import { describe, expect, test } from "vitest";
import type { Json, Plan } from "../../src/journal/types.ts";
import { canonical, hashPlan, planDifferences } from "../../src/runbooks/plan.ts";

const CONTEXT: Plan["context"] = {
  commits: [{ id: "bbb", subject: "Discounts" }],
  migrations: ["002.sql"],
  backup: "no backup yet",
  readings: [{ state: "ok", summary: "http 200" }],
  undo: "by itself",
  warnings: [],
};

function planOf(change: Partial<Plan> = {}): Plan {
  return {
    runbook: "update",
    runbookVersion: 1,
    service: "shop",
    title: "Update shop 1.0.0 → 1.1.0",
    from: "1.0.0",
    to: "1.1.0",
    risk: "high",
    steps: [
      {
        name: "checkout",
        title: "Check out 1.1.0",
        commands: [["git", "checkout", "bbb"]],
        idempotent: true,
      },
      {
        name: "restart",
        title: "Restart shop",
        commands: [["systemctl", "restart", "shop"]],
        idempotent: true,
      },
    ],
    subject: { fromCommit: "aaa", toCommit: "bbb", verify: { good: 3, goodEvery: 2_000 } },
    context: CONTEXT,
    ...change,
  };
}

const [checkout, restart] = planOf().steps as [Plan["steps"][number], Plan["steps"][number]];
const HASH = hashPlan(planOf(), { version: "1.1.0" });

describe("the hash of a plan", () => {
  test("is the same whatever order the keys come in, as after a trip through the journal", () => {
    const turned = (value: Json): Json =>
      Array.isArray(value)
        ? value.map(turned)
        : value && typeof value === "object"
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, one]) => [key, turned(one)]),
            )
          : value;
    const plan = turned(planOf() as unknown as Json) as unknown as Plan;
    expect(Object.keys(plan)).not.toEqual(Object.keys(planOf()));
    expect(hashPlan(plan, { version: "1.1.0" })).toBe(HASH);
    expect(hashPlan(JSON.parse(JSON.stringify(planOf())), { version: "1.1.0" })).toBe(HASH);
  });

  test.each<[string, Partial<Plan>]>([
    ["the runbook", { runbook: "rollback" }],
    ["the runbook's version", { runbookVersion: 2 }],
    ["the service", { service: "shop@production" }],
    ["what runs", { from: "1.0.1" }],
    ["the target", { to: "1.2.0" }],
    ["the commit", { subject: { ...planOf().subject, toCommit: "ccc" } }],
    [
      "a rule of the declaration, deep in it",
      { subject: { ...planOf().subject, verify: { good: 1, goodEvery: 2_000 } } },
    ],
    ["a command", { steps: [{ ...checkout, commands: [["git", "checkout", "ccc"]] }, restart] }],
    [
      "how a command is cut into arguments",
      { steps: [{ ...checkout, commands: [["git checkout", "bbb"]] }, restart] },
    ],
    [
      "how arguments are cut into commands",
      { steps: [{ ...checkout, commands: [["git"], ["checkout", "bbb"]] }, restart] },
    ],
    ["the order of the steps", { steps: [restart, checkout] }],
    ["a step less", { steps: [checkout] }],
    ["what would undo a step", { steps: [{ ...checkout, undo: "Check out 1.0.0" }, restart] }],
  ])("changes with %s", (_, change) => {
    expect(hashPlan(planOf(change), { version: "1.1.0" })).not.toBe(HASH);
  });

  test("changes with the arguments", () => {
    expect(hashPlan(planOf(), {})).not.toBe(HASH);
    expect(hashPlan(planOf(), { version: "1.1.0", dry: "yes" })).not.toBe(HASH);
  });

  test("does not change with what moves all the time: readings, ages, warnings", () => {
    const context = {
      ...CONTEXT,
      readings: [],
      backup: "last backup 3 h ago",
      warnings: ["Incident 3 is open"],
    };
    expect(hashPlan(planOf({ context, title: "Other words" }), { version: "1.1.0" })).toBe(HASH);
  });

  test("does not take one text for another", () => {
    expect(canonical({ a: "1", b: null })).not.toBe(canonical({ a: 1, b: null }));
    expect(canonical(['a","b'])).not.toBe(canonical(["a", "b"]));
    expect(canonical({ b: [{ d: 1, c: 2 }], a: true })).toBe('{"a":true,"b":[{"c":2,"d":1}]}');
  });
});

describe("what differs between two plans is said", () => {
  test.each<[string, Partial<Plan>, string[]]>([
    ["what runs", { from: null }, ["running version was 1.0.0, is unknown"]],
    ["the target", { to: "1.2.0" }, ["target was 1.1.0, is 1.2.0"]],
    ["a commit", { subject: { ...planOf().subject, toCommit: "ccc" } }, ['toCommit was "bbb", is "ccc"']],
    [
      "what is new in the declaration",
      { subject: { ...planOf().subject, holdsWrites: true } },
      ["holdsWrites was null, is true"],
    ],
    [
      "what is gone from it",
      { subject: { fromCommit: "aaa", toCommit: "bbb" } },
      ['verify was {"good":3,"goodEvery":2000}, is null'],
    ],
    [
      "a command",
      { steps: [{ ...checkout, commands: [["true"]] }, restart] },
      ["steps changed: Check out 1.1.0"],
    ],
    ["a step less", { steps: [checkout] }, ["steps changed: Restart shop"]],
    ["the runbook alone", { runbookVersion: 2 }, ["the runbook itself changed"]],
  ])("%s", (_, change, expected) => {
    expect(planDifferences(planOf(), planOf(change))).toEqual(expected);
  });

  test("the steps' order alone", () => {
    expect(planDifferences(planOf(), planOf({ steps: [restart, checkout] }))).toEqual([
      "the order of the steps changed",
    ]);
  });

  test("shortly, however long it is", () => {
    const subject = { commits: Array.from({ length: 200 }, (_, index) => `commit-${index}`) };
    const [line] = planDifferences(planOf({ subject: {} }), planOf({ subject }));
    expect(line).toMatch(/^commits was null, is .{1,60}$/);
  });
});
