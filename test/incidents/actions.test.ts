import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { acknowledgeIncident, recommendedRunbook, resolveIncident } from "../../src/incidents/actions.ts";
import { transaction } from "../../src/journal/database.ts";
import { recordRelease } from "../../src/journal/releases.ts";
import type { Actor, Incident } from "../../src/journal/types.ts";
import { OLGA } from "../journal/world.ts";
import { configOf } from "../tasks/world.ts";
import { openWatched, type Watched } from "./world.ts";

const BEA: Actor = { kind: "person", id: "U0BEA", team: "T1" };
const GUEST: Actor = { kind: "person", id: "U0OLGA", team: "T1", guest: true };
const NOBODY: Actor = { kind: "person", id: "U0NOBODY", team: "T1" };

let world: Watched;
beforeAll(async () => {
  world = await openWatched({ commands: { restart: ["true"] }, repository: { path: "/srv/shop" } });
});
afterAll(() => world.close());
beforeEach(() => world.clear());

async function opened(): Promise<Incident> {
  await world.follow({ http: "critical", postgres: "critical" });
  return (await world.incidents())[0]!;
}
const acknowledge = (id: number, actor = OLGA) =>
  transaction(world.journal, (tx) => acknowledgeIncident(world, tx, { id, actor }));
const resolve = (id: number, reason: string | null, actor = OLGA) =>
  transaction(world.journal, (tx) => resolveIncident(world, tx, { id, actor, reason }));

describe("acknowledging", () => {
  test("shows who has it, to approvers and operators alike", async () => {
    const { id } = await opened();
    expect(await acknowledge(id, BEA)).toMatchObject({ state: "acknowledged", acknowledgedBy: BEA });
    expect(await world.notes()).toEqual(["has it"]);
  });

  test("twice is told, also at once, and the first one keeps it", async () => {
    const { id } = await opened();
    const both = await Promise.allSettled([acknowledge(id, BEA), acknowledge(id, OLGA)]);
    const refused = both.find((result) => result.status === "rejected")!;
    expect(refused.reason).toMatchObject({
      code: "not_open",
      message: `Incident ${id} is acknowledged already`,
    });
    await expect(acknowledge(id)).rejects.toMatchObject({
      message: `Incident ${id} is acknowledged already`,
    });
    expect(await world.notes()).toEqual(["has it"]);
  });

  test("what is resolved or was never there is told", async () => {
    const { id } = await opened();
    await resolve(id, "known");
    await expect(acknowledge(id)).rejects.toMatchObject({ message: `Incident ${id} is resolved already` });
    await expect(acknowledge(99_999)).rejects.toMatchObject({ code: "unknown_incident" });
  });

  test.each([
    ["a guest", GUEST],
    ["somebody without a role", NOBODY],
  ])("by %s is refused", async (_, actor) => {
    const { id } = await opened();
    await expect(acknowledge(id, actor)).rejects.toMatchObject({ code: "not_allowed" });
    await expect(resolve(id, "why", actor)).rejects.toMatchObject({ code: "not_allowed" });
    expect(await world.incidents()).toMatchObject([{ state: "open" }]);
  });
});

describe("closing by hand", () => {
  test("while it still fails needs a reason, which names what fails", async () => {
    const { id } = await opened();
    for (const reason of [null, "", "   "]) {
      await expect(resolve(id, reason)).rejects.toMatchObject({
        code: "reason_missing",
        message: "http, postgres still fail, so closing needs a reason",
      });
    }
    expect(await resolve(id, " the supplier is on it ")).toMatchObject({
      state: "resolved",
      resolution: "the supplier is on it",
      resolvedBy: OLGA,
    });
    expect(await world.notes()).toEqual(["closed this: the supplier is on it"]);
  });

  test("twice is told as such, and asks for no reason first", async () => {
    const { id } = await opened();
    await resolve(id, "known");
    await expect(resolve(id, null)).rejects.toMatchObject({ code: "not_open" });
  });

  test("needs no reason once everything that failed is good", async () => {
    const { id } = await opened();
    await world.journal.query("update incident_members set state = 'ok'");
    expect(await resolve(id, null)).toMatchObject({ resolution: "closed by hand" });
  });
});

describe("the runbook that is recommended", () => {
  const released = async (runbook: string, minutesAgo: number, version: string) => {
    await recordRelease(world.journal, {
      service: "shop",
      version,
      commit: version,
      runId: null,
      backupId: null,
      notes: { runbook },
    });
    await world.journal.query(
      "update releases set at = now() - $1 * interval '1 minute' where version = $2",
      [minutesAgo, version],
    );
  };
  const recommended = async (declaration?: Record<string, unknown>) => {
    const incident = await opened();
    const context = declaration ? { config: configOf({ shop: declaration }) } : world;
    return (await recommendedRunbook(context, world.journal, incident))?.runbook ?? null;
  };

  test("after an update in the last hour is the way back", async () => {
    await released("found", 500, "1.0.0");
    await released("update", 59, "1.1.0");
    expect(await recommended()).toBe("rollback");
  });

  test.each<[string, () => Promise<void>]>([
    ["an older update", () => released("update", 61, "1.1.0")],
    ["a rollback", () => released("rollback", 1, "1.0.0")],
    ["no release at all", async () => {}],
  ])("after %s is a restart", async (_, release) => {
    await released("found", 500, "0.9.0");
    await release();
    expect(await recommended()).toBe("restart");
  });

  test("after the first update with nothing before it is a restart", async () => {
    await released("update", 1, "1.0.0");
    expect(await recommended()).toBe("restart");
  });

  test.each<[string, Record<string, unknown>, string | null]>([
    ["stop and start", { commands: { stop: ["true"], start: ["true"] } }, "restart"],
    ["start alone", { commands: { start: ["true"] } }, null],
    ["no commands", {}, null],
    ["observe mode", { observe: true, commands: { restart: ["true"] } }, null],
  ])("for a service with %s", async (_, declaration, expected) => {
    expect(await recommended(declaration)).toBe(expected);
  });

  test("is none once it is resolved, or the service is not declared any more", async () => {
    const incident = await opened();
    expect(await recommendedRunbook(world, world.journal, { ...incident, state: "resolved" })).toBeNull();
    expect(await recommendedRunbook(world, world.journal, { ...incident, service: "gone" })).toBeNull();
  });
});
