import { describe, expect, it } from "vitest";
import { parseMrkdwn, parsePlain } from "../../../src/sandbox/page/mrkdwn.js";

const text = (value: string) => ({ type: "text", text: value });

describe("styles", () => {
  it("reads bold, italic, strike and code, one inside another", () => {
    expect(parseMrkdwn("*bold _both_* ~gone~ `co*de*`")).toEqual([
      { type: "bold", children: [text("bold "), { type: "italic", children: [text("both")] }] },
      text(" "),
      { type: "strike", children: [text("gone")] },
      text(" "),
      { type: "code", text: "co*de*" },
    ]);
  });

  it.each(["snake_case_name", "2 * 3 * 4", "* not bold*", "*not closed", "a*b*c", "**", "*across\nlines*"])(
    "leaves %j as it is",
    (plain) => {
      expect(parseMrkdwn(plain)).toEqual([text(plain)]);
    },
  );

  it("ends a style only where Slack does, past code and links that hold the mark", () => {
    expect(parseMrkdwn("*see `a* b` and <https://x.test/a*|the* page>*")).toEqual([
      {
        type: "bold",
        children: [
          text("see "),
          { type: "code", text: "a* b" },
          text(" and "),
          { type: "link", url: "https://x.test/a*", text: "the* page" },
        ],
      },
    ]);
  });
});

describe("blocks of lines", () => {
  it("spends the newline beside a code block", () => {
    expect(parseMrkdwn("before\n```\nSELECT *\n  FROM a &lt; b\n```\nafter")).toEqual([
      text("before"),
      { type: "pre", text: "SELECT *\n  FROM a < b" },
      text("after"),
    ]);
  });

  it("gathers quoted lines, escaped or not, and >>> takes all that follows", () => {
    expect(parseMrkdwn("> one\n&gt; two\nout")).toEqual([
      { type: "quote", children: [text("one\ntwo")] },
      text("out"),
    ]);
    expect(parseMrkdwn("in\n>>> a\n*b*")).toEqual([
      text("in"),
      { type: "quote", children: [text("a\n"), { type: "bold", children: [text("b")] }] },
    ]);
  });
});

describe("things in angle brackets", () => {
  it("reads people, channels, groups and broadcasts", () => {
    expect(parseMrkdwn("<@U0AMIR><#C0OPS|ops><!subteam^S0APPROVERS|@approvers><!here>")).toEqual([
      { type: "user", id: "U0AMIR", label: null },
      { type: "channel", id: "C0OPS", label: "ops" },
      { type: "usergroup", id: "S0APPROVERS", label: "@approvers" },
      { type: "broadcast", range: "here" },
    ]);
  });

  it("reads dates with their format, link and fallback", () => {
    expect(parseMrkdwn("<!date^1700000000^{date_short} at {time}^https://x.test|then>")).toEqual([
      {
        type: "date",
        timestamp: 1700000000,
        format: "{date_short} at {time}",
        url: "https://x.test",
        fallback: "then",
      },
    ]);
  });

  it("reads links with and without a label, and bare addresses without the full stop after them", () => {
    expect(parseMrkdwn("<https://x.test/?a=1&amp;b=2|here> <mailto:a@x.test> https://y.test/p.")).toEqual([
      { type: "link", url: "https://x.test/?a=1&b=2", text: "here" },
      text(" "),
      { type: "link", url: "mailto:a@x.test", text: "a@x.test" },
      text(" "),
      { type: "link", url: "https://y.test/p", text: "https://y.test/p" },
      text("."),
    ]);
  });

  it.each(["<javascript:alert(1)|x>", "<data:text/html,x>", "<b>raw</b>", "< https://x.test>"])(
    "never makes a link of %j",
    (foreign) => {
      const links = parseMrkdwn(foreign).filter((token) => token.type === "link");
      expect(links.every((token) => token.type === "link" && token.url.startsWith("https://"))).toBe(true);
      expect(JSON.stringify(parseMrkdwn(foreign))).not.toContain('"url":"javascript');
      expect(
        parseMrkdwn(foreign).filter((token) => token.type === "link" && !/^https/.test(token.url)),
      ).toEqual([]);
    },
  );

  it("shows what was escaped as plain text, once", () => {
    expect(parseMrkdwn("&lt;!channel&gt; &amp;lt; &lt;@U0AMIR&gt;")).toEqual([
      text("<!channel> &lt; <@U0AMIR>"),
    ]);
  });
});

describe("emoji", () => {
  it("turns known shortcodes into characters and leaves others", () => {
    expect(parseMrkdwn(":warning: :no_such_thing: 10:30:45 :constructor:")).toEqual([
      { type: "emoji", name: "warning", char: "⚠️" },
      text(" :no_such_thing: 10:30:45 :constructor:"),
    ]);
  });

  it("does the same in plain text, and nothing else there", () => {
    expect(parsePlain("*a* :x: <@U0AMIR>")).toEqual([
      text("*a* "),
      { type: "emoji", name: "x", char: "❌" },
      text(" <@U0AMIR>"),
    ]);
    expect(parsePlain(":x:", false)).toEqual([text(":x:")]);
  });
});

describe("hostile text", () => {
  it.each([
    ["openers that never close", "*a ".repeat(13_000)],
    ["styles within styles", "*_~".repeat(13_000)],
    ["angle brackets", "<".repeat(40_000)],
    ["backticks", "`a".repeat(20_000)],
    ["quotes", ">>> >\n".repeat(6_000)],
    ["colons", ":a".repeat(20_000)],
  ])("40,000 characters of %s are read in linear time", (_, hostile) => {
    const started = performance.now();
    parseMrkdwn(hostile);
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});
