import { describe, expect, it } from "vitest";
import { code, cut, duration, escaped, line, plain, safe, tail } from "../../../src/bot/present/text.ts";

describe("foreign text", () => {
  it("is escaped before it is cut, and never cut inside an escape", () => {
    expect(escaped("<!channel> & co")).toBe("&lt;!channel&gt; &amp; co");
    for (let max = 2; max < 12; max += 1) expect(safe("ab<<<>>>", max)).toMatch(/^(?:[ab]|&lt;|&gt;)*…?$/);
    expect(safe("ab<<<>>>", 8).length).toBeLessThanOrEqual(8);
  });

  it("loses characters that hide or turn what it says", () => {
    expect(line("a\u202Eb\u0000c\nd")).toBe("abc d");
  });

  it("holds no half of a surrogate pair, not even where it is cut", () => {
    expect(cut("ab😀cd", 4)).toBe("ab…");
    expect(plain("x\uD83D", 10).isWellFormed()).toBe(true);
  });

  it("cannot end inline code", () => {
    expect(code("a`b")).toBe("`aˋb`");
  });

  it("is never empty where Slack wants something", () => {
    expect(plain("", 10)).toBe("-");
  });
});

it("words durations in two units at most", () => {
  expect([400, 12_000, 60_000, 185_000, 7_800_000, 100_800_000].map(duration)).toEqual([
    "0.4 s",
    "12 s",
    "1 min",
    "3 min 5 s",
    "2 h 10 min",
    "1 d 4 h",
  ]);
});

it("keeps the end of an output and marks what is missing", () => {
  expect(tail("1\n2\n3\n", 2, 100)).toBe("…\n2\n3");
  expect(tail("abcdefgh", 5, 4)).toBe("…fgh");
});
