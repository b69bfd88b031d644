import { describe, expect, it } from "vitest";
import { freezeAt, nextAllowed, parseTime, windowOpen } from "../../src/runbooks/times.ts";

const ZONE = "Europe/Berlin";
/** A Monday, 21:43 in Berlin. */
const NOW = new Date("2026-11-23T20:43:00Z");
const at = (text: string) => parseTime(text, ZONE, NOW).toISOString();
const shop = (windows: object[]) => ({ name: "shop", windows }) as never;
const everyDay = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

describe("a time that people type", () => {
  it("is the next such time of day in the config's zone", () => {
    expect(at("22:30")).toBe("2026-11-23T21:30:00.000Z");
    expect(at("9:05")).toBe("2026-11-24T08:05:00.000Z");
  });

  it("may be a day and a time, also across a change of the clocks", () => {
    expect(at("2026-11-24T02:00")).toBe("2026-11-24T01:00:00.000Z");
    expect(at("2026-12-31 23:59")).toBe("2026-12-31T22:59:00.000Z");
    expect(parseTime("2026-03-29T12:00", ZONE, new Date("2026-03-28T12:00:00Z")).toISOString()).toBe(
      "2026-03-29T10:00:00.000Z",
    );
  });

  it("may be told from now on", () => {
    expect(at("+90m")).toBe("2026-11-23T22:13:00.000Z");
    expect(at("+2h")).toBe("2026-11-23T22:43:00.000Z");
  });

  it.each([
    "",
    "soon",
    "25:00",
    "2026-02-31T10:00",
    "2026-11-23T21:42",
    "2020-01-01T00:00",
    "+400d",
    "22:30; ls",
  ])("is refused when it is %j", (typed) => {
    expect(() => at(typed)).toThrow(expect.objectContaining({ code: "bad_time" }));
  });
});

describe("windows", () => {
  const nightly = shop([{ days: ["mon", "wed"], from: 22 * 60, to: 2 * 60 }]);

  it("are open from their beginning to their end, over midnight too", () => {
    const open = (iso: string) => windowOpen(ZONE, nightly, new Date(iso));
    expect(open("2026-11-23T20:59:00Z")).toBe(false);
    expect(open("2026-11-23T21:00:00Z")).toBe(true);
    expect(open("2026-11-24T00:59:00Z")).toBe(true);
    expect(open("2026-11-24T01:00:00Z")).toBe(false);
    // Tuesday evening is none, though Tuesday's first hours belong to Monday's window
    expect(open("2026-11-24T21:30:00Z")).toBe(false);
  });

  it("tell the next time they open", () => {
    expect(nextAllowed({ freezes: [], zone: ZONE }, nightly, NOW)?.toISOString()).toBe(
      "2026-11-23T21:00:00.000Z",
    );
    expect(
      nextAllowed({ freezes: [], zone: ZONE }, nightly, new Date("2026-11-24T12:00:00Z"))?.toISOString(),
    ).toBe("2026-11-25T21:00:00.000Z");
  });
});

describe("a freeze", () => {
  const freezes = [
    { from: "2026-12-20", to: "2027-01-02", reason: "year end" },
    { from: "2026-11-24", to: "2026-11-24", reason: "audit", services: ["billing"] },
  ];

  it("covers its first and its last day, by the zone's calendar", () => {
    const frozen = (iso: string) =>
      freezeAt({ freezes, zone: ZONE }, { name: "shop" }, new Date(iso))?.reason;
    expect(frozen("2026-12-19T22:59:00Z")).toBeUndefined();
    expect(frozen("2026-12-19T23:00:00Z")).toBe("year end");
    expect(frozen("2027-01-02T22:59:00Z")).toBe("year end");
    expect(frozen("2027-01-02T23:00:00Z")).toBeUndefined();
  });

  it("holds only the services it names, where it names some", () => {
    const noon = new Date("2026-11-24T12:00:00Z");
    expect(freezeAt({ freezes, zone: ZONE }, { name: "shop" }, noon)).toBeUndefined();
    expect(freezeAt({ freezes, zone: ZONE }, { name: "billing" }, noon)?.reason).toBe("audit");
  });

  it("ends at the midnight after its last day, or when the next window opens after it", () => {
    const always = shop([]);
    const next = (service: never, iso: string) =>
      nextAllowed({ freezes, zone: ZONE }, service, new Date(iso))?.toISOString();
    expect(next(always, "2026-12-24T12:00:00Z")).toBe("2027-01-02T23:00:00.000Z");
    expect(next(always, "2027-01-02T12:00:00Z")).toBe("2027-01-02T23:00:00.000Z");
    expect(next(shop([{ days: ["mon"], from: 600, to: 720 }]), "2026-12-24T12:00:00Z")).toBe(
      "2027-01-04T09:00:00.000Z",
    );
    expect(next(shop([{ days: everyDay, from: 0, to: 60 }]), "2026-12-24T12:00:00Z")).toBe(
      "2027-01-02T23:00:00.000Z",
    );
  });

  it("without an end within a year says so", () => {
    const forever = [{ from: "2020-01-01", to: "2099-12-31", reason: "retired" }];
    expect(nextAllowed({ freezes: forever, zone: ZONE }, shop([]), NOW)).toBeNull();
  });
});
