import { describe, expect, it } from "vitest";
import { ticksBefore } from "../../src/tasks/ticks.ts";

const at = (text: string) => new Date(text);

describe("ticks of a rule", () => {
  it("are the newest up to now, the second of now counted, newest first", () => {
    for (const now of ["2026-11-23T12:00:03.000Z", "2026-11-23T12:00:03.999Z"]) {
      expect(ticksBefore("* * * * * *", "UTC", at(now), 3)).toEqual([
        at("2026-11-23T12:00:03Z"),
        at("2026-11-23T12:00:02Z"),
        at("2026-11-23T12:00:01Z"),
      ]);
    }
    expect(ticksBefore("0 0 8 * * *", "Europe/Berlin", at("2026-11-23T06:59:59.900Z"), 1)).toEqual([
      at("2026-11-22T07:00:00Z"),
    ]);
    expect(ticksBefore("0 8 * * *", "Europe/Berlin", at("2026-11-23T07:00:00Z"), 1)).toEqual([
      at("2026-11-23T07:00:00Z"),
    ]);
  });

  it("follow the zone through a change of the clocks", () => {
    expect(ticksBefore("0 0 8 * * *", "Europe/Berlin", at("2026-10-26T12:00:00Z"), 3)).toEqual([
      at("2026-10-26T07:00:00Z"),
      at("2026-10-25T07:00:00Z"),
      at("2026-10-24T06:00:00Z"),
    ]);
  });
});
