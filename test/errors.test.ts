import { describe, expect, it } from "vitest";
import { errorRecord, nearest, StewardError } from "../src/errors.ts";

describe("an error as a record", () => {
  it("has code, message and hint, and no stack or cause", () => {
    const error = new StewardError("no_such", "No such thing", {
      hint: "Try another.",
      cause: new Error("deep"),
    });
    expect(errorRecord(error)).toEqual({ code: "no_such", message: "No such thing", hint: "Try another." });
    expect(error.cause).toBeInstanceOf(Error);
  });

  it("is `internal` for anything that was not meant to be read", () => {
    expect(errorRecord(new TypeError("x is not a function"))).toEqual({
      code: "internal",
      message: "x is not a function",
    });
    expect(errorRecord("thrown text")).toEqual({ code: "internal", message: "thrown text" });
    expect(errorRecord(undefined)).toEqual({ code: "internal", message: "undefined" });
  });
});

describe("the nearest choice", () => {
  it("is found for a typo, whatever its case", () => {
    expect(nearest("updte", ["rollback", "update", "restart"])).toBe("update");
    expect(nearest("HEALTH", ["health", "help"])).toBe("health");
    expect(nearest("stats", ["status", "start"])).toBe("status");
  });

  it("is none when nothing is near, or nothing is there", () => {
    expect(nearest("banana", ["update", "rollback"])).toBeUndefined();
    expect(nearest("x", [])).toBeUndefined();
  });

  it("is found quickly for 10,000 characters", () => {
    expect(
      nearest(
        "a".repeat(10_000),
        Array.from({ length: 200 }, (_, i) => `service-${i}`),
      ),
    ).toBeUndefined();
  });
});
