import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { acknowledgeIncident, resolveIncident } from "../../src/incidents/actions.ts";
import { transaction } from "../../src/journal/database.ts";
import { listEvents } from "../../src/journal/events.ts";
import { listMembers } from "../../src/journal/incidents.ts";
import { OLGA } from "../journal/world.ts";
import { openWatched, type Watched } from "./world.ts";

let world: Watched;
beforeAll(async () => {
  world = await openWatched();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const story = async (id: number) =>
  (await listEvents(world.journal, { kind: "incident", id })).map((event) => event.kind);
const members = async (id: number) =>
  Object.fromEntries(
    (await listMembers(world.journal, id)).map((member) => [member.checkName, member.state]),
  );
const ago = (column: string, minutes: number) =>
  world.journal.query(`update incidents set ${column} = now() - $1 * interval '1 minute'`, [minutes]);

describe("a critical check", () => {
  test("opens one incident with one urgent message in the incidents channel", async () => {
    await world.follow({ http: "critical", cpu: "ok" });
    const [incident, ...more] = await world.incidents();
    expect(more).toEqual([]);
    expect(incident).toMatchObject({
      service: "shop",
      state: "open",
      title: "http is critical",
      occurrences: 1,
      observed: false,
    });
    expect(await world.roots()).toMatchObject([
      { subject_id: incident!.id, channel: "incidents", urgent: true },
    ]);
    expect(await members(incident!.id)).toEqual({ http: "critical" });
    expect(await story(incident!.id)).toEqual(["opened", "reading"]);
    expect(await world.notes()).toEqual([]);
  });

  test("seen by two replicas at once opens one all the same", async () => {
    await Promise.all(
      [world.journal, world.other, world.journal, world.other].map((by, index) =>
        world.follow({ http: "critical", [`other${index}`]: "critical" }, by),
      ),
    );
    const incidents = await world.incidents();
    expect(incidents).toHaveLength(1);
    expect(await world.roots()).toHaveLength(1);
    expect(Object.keys(await members(incidents[0]!.id))).toHaveLength(5);
    expect((await story(incidents[0]!.id)).filter((kind) => kind === "opened")).toHaveLength(1);
  });

  test("joins the open incident of its service; a warning does not", async () => {
    await world.follow({ http: "critical", postgres: "ok", cpu: "warning" });
    await world.follow({ http: "critical", postgres: "critical", cpu: "warning" });
    const [incident] = await world.incidents();
    expect(await world.incidents()).toHaveLength(1);
    expect(await members(incident!.id)).toEqual({ http: "critical", postgres: "critical" });
  });

  test.each([["warning"], ["unknown"], ["ok"]] as const)(
    "is needed: %s alone opens nothing",
    async (state) => {
      await world.follow({ http: state });
      expect(await world.incidents()).toEqual([]);
    },
  );
});

describe("an open incident", () => {
  test("closes when all its members are good, whatever checks that never joined say", async () => {
    await world.follow({ http: "critical", postgres: "critical", cpu: "warning" });
    await world.follow({ http: "ok", postgres: "critical", cpu: "warning" });
    await world.follow({ http: "ok", postgres: "warning", cpu: "warning" });
    expect(await world.incidents()).toMatchObject([{ state: "open" }]);
    await world.follow({ http: "ok", postgres: "ok", cpu: "warning" });
    const [incident] = await world.incidents();
    expect(incident).toMatchObject({ state: "resolved", resolvedBy: { kind: "system", id: "checks" } });
    expect(await world.notes()).toEqual(["The checks are good again. Closed."]);
    await world.follow({ http: "ok", postgres: "ok", cpu: "warning" });
    expect((await story(incident!.id)).filter((kind) => kind === "resolved")).toHaveLength(1);
  });

  test("is not closed by not knowing", async () => {
    await world.follow({ http: "critical" });
    await world.follow({ http: "unknown" });
    expect(await world.incidents()).toMatchObject([{ state: "open" }]);
  });

  test("is not held open by a check that is no longer declared", async () => {
    await world.follow({ http: "critical", redis: "critical" });
    await world.follow({ http: "ok" });
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  });

  test("closes although somebody has it", async () => {
    await world.follow({ http: "critical" });
    const [incident] = await world.incidents();
    await transaction(world.journal, (tx) =>
      acknowledgeIncident(world, tx, { id: incident!.id, actor: OLGA }),
    );
    await world.follow({ http: "ok" });
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  });
});

describe("trouble that comes again", () => {
  test("within half an hour goes on in the same thread, with its count and a fresh beginning", async () => {
    await world.follow({ http: "critical" });
    const [first] = await world.incidents();
    await transaction(world.journal, (tx) => acknowledgeIncident(world, tx, { id: first!.id, actor: OLGA }));
    await world.follow({ http: "ok" });
    await ago("since", 20);
    await ago("resolved_at", 29);
    const before = Date.now();
    await world.follow({ postgres: "critical", http: "ok" });
    const [again, ...more] = await world.incidents();
    expect(more).toEqual([]);
    expect(again).toMatchObject({
      id: first!.id,
      state: "open",
      occurrences: 2,
      title: "postgres is critical",
      acknowledgedBy: null,
      resolvedAt: null,
      resolution: null,
    });
    expect(again!.openedAt).toEqual(first!.openedAt);
    expect(again!.since.getTime()).toBeGreaterThan(before - 5_000);
    expect(await world.roots()).toHaveLength(1);
    expect((await world.notes()).at(-1)).toBe("again, for the second time: postgres is critical");
    expect(await story(first!.id)).toContain("reopened");
  });

  test("counts on as people do", async () => {
    await world.follow({ http: "critical" });
    for (const [occurrences, words] of [
      [3, "4th"],
      [20, "21st"],
      [21, "22nd"],
      [10, "11th"],
    ] as const) {
      await world.follow({ http: "ok" });
      await world.journal.query("update incidents set occurrences = $1", [occurrences]);
      await world.follow({ http: "critical" });
      expect((await world.notes()).at(-1)).toBe(`again, for the ${words} time: http is critical`);
    }
  });

  test("later is an incident of its own", async () => {
    await world.follow({ http: "critical" });
    await world.follow({ http: "ok" });
    await ago("resolved_at", 31);
    await world.follow({ http: "critical" });
    expect(await world.incidents()).toMatchObject([{ state: "open", occurrences: 1 }, { state: "resolved" }]);
    expect(await world.roots()).toHaveLength(2);
  });

  test("seen by two replicas at once is counted once", async () => {
    await world.follow({ http: "critical" });
    await world.follow({ http: "ok" });
    await Promise.all([world.follow({ http: "critical" }), world.follow({ http: "critical" }, world.other)]);
    expect(await world.incidents()).toMatchObject([{ state: "open", occurrences: 2 }]);
  });
});

describe("a service in observe mode", () => {
  test("has its trouble recorded, and nobody hears of it", async () => {
    const observed = { ...world.service, observe: true };
    await world.follow({ http: "critical" }, world.journal, observed);
    await world.follow({ http: "ok" }, world.journal, observed);
    await world.follow({ http: "critical" }, world.journal, observed);
    expect(await world.incidents()).toMatchObject([{ observed: true, state: "open", occurrences: 2 }]);
    expect(await world.roots()).toEqual([]);
    expect(await world.notes()).toEqual([]);
  });

  test("that leaves it in the middle of trouble is heard of, once", async () => {
    await world.follow({ http: "critical" }, world.journal, { ...world.service, observe: true });
    await world.follow({ http: "critical" });
    await world.follow({ http: "critical" });
    expect(await world.incidents()).toMatchObject([{ observed: false, state: "open" }]);
    expect(await world.roots()).toHaveLength(1);
  });

  test("that leaves it when all is well again is not heard of", async () => {
    const observed = { ...world.service, observe: true };
    await world.follow({ http: "critical" }, world.journal, observed);
    await world.follow({ http: "ok" });
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
    expect(await world.roots()).toEqual([]);
  });
});

test("what a person closed while it still fails stays closed until it fails anew", async () => {
  await world.follow({ http: "critical" });
  const [incident] = await world.incidents();
  await transaction(world.journal, (tx) =>
    resolveIncident(world, tx, { id: incident!.id, actor: OLGA, reason: "known, the supplier is on it" }),
  );
  await world.follow({ http: "critical" });
  expect(await world.incidents()).toMatchObject([{ state: "resolved", occurrences: 1 }]);
  await world.follow({ http: "critical", postgres: "critical" });
  expect(await world.incidents()).toMatchObject([{ state: "open", occurrences: 2 }]);
});
