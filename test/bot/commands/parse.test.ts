import { describe, expect, it } from "vitest";
import { parseCommand, plainText } from "../../../src/bot/commands/parse.ts";

const parsed = (text: string) => {
  const { words, options } = parseCommand(text);
  return [words, Object.fromEntries(options)];
};

describe("a command's text", () => {
  it("is words and options", () => {
    expect(parsed("update shop 1.1.0 --plan")).toEqual([["update", "shop", "1.1.0"], { plan: true }]);
    expect(parsed("update shop --version 1.1.0")).toEqual([["update", "shop"], { version: "1.1.0" }]);
    expect(parsed("update --plan shop --version=1.1.0")).toEqual([
      ["update", "shop"],
      { plan: true, version: "1.1.0" },
    ]);
    expect(parsed("x --force --plan")).toEqual([["x"], { force: true, plan: true }]);
    expect(parsed("   ")).toEqual([[], {}]);
  });

  it("keeps quoted text together, whatever kind of quotes a phone typed", () => {
    expect(parsed('incident resolve 4 "disk was full" “all well” don\'t')).toEqual([
      ["incident", "resolve", "4", "disk was full", "all well", "don't"],
      {},
    ]);
    expect(parsed('update shop "--plan"')).toEqual([["update", "shop", "--plan"], {}]);
  });

  it("is refused when a quote stays open or it is too long", () => {
    expect(() => parseCommand('a "b')).toThrow(/not closed/);
    expect(() => parseCommand("x".repeat(2_001))).toThrow(/2001 characters; at most 2000/);
    expect(() => parseCommand("x ".repeat(200))).toThrow(/200 words/);
  });

  it("is plain again where Slack had escaped it", () => {
    expect(
      plainText(
        "a &lt;b&gt; &amp;lt; <@U1|olga> <@U2> <#C1|ops> <!channel> <https://x.example|x> <mailto:a@b.c|a@b.c>",
      ),
    ).toBe("a <b> &lt; @olga @U2 #ops @channel https://x.example mailto:a@b.c");
  });
});
