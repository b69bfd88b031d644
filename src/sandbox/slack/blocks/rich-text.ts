/** `rich_text` blocks: sections, lists, quotes and preformatted text made of styled runs. */
import { id } from "./composition.ts";
import { boolean, byType, integer, list, number, object, oneOf, type Rule, text, url } from "./rules.ts";

/** Slack names no limit of its own for a run of rich text; the whole message has one. */
const run = text({ max: 40_000 });
const many = { min: 0, max: 1000 };
const style = object(
  {},
  { bold: boolean, italic: boolean, strike: boolean, code: boolean, underline: boolean, highlight: boolean },
);
const styled = { style };

const textRun = object({ text: run }, styled);
const link = object({ url: url(3000) }, { ...styled, text: run, unsafe: boolean });

const inline = byType("rich text element", {
  text: textRun,
  link,
  emoji: object({ name: text({ max: 100 }) }, { ...styled, unicode: text({ max: 100 }), url: url(3000) }),
  user: object({ user_id: id }, styled),
  channel: object({ channel_id: id }, styled),
  usergroup: object({ usergroup_id: id }, styled),
  broadcast: object({ range: oneOf("here", "channel", "everyone") }, styled),
  color: object({ value: text({ max: 20 }) }, styled),
  date: object(
    { timestamp: number, format: text({ max: 300 }) },
    { ...styled, url: url(3000), fallback: text({ max: 300 }) },
  ),
});

const border = { border: oneOf(0, 1) };
const section = byType("item of a rich text list", {
  rich_text_section: object({ elements: list(inline, many) }),
});

const part = byType("element of a rich_text block", {
  rich_text_section: object({ elements: list(inline, many) }),
  rich_text_list: object(
    { elements: list(section, many), style: oneOf("bullet", "ordered") },
    { ...border, indent: integer({ max: 8 }), offset: integer({ max: 10_000 }) },
  ),
  rich_text_quote: object({ elements: list(inline, many) }, border),
  rich_text_preformatted: object(
    {
      elements: list(byType("element of preformatted rich text", { text: textRun, link }), many),
    },
    { ...border, language: text({ max: 100 }) },
  ),
});

export const richText: Rule = byType("rich text", {
  rich_text: object({ elements: list(part, { max: 1000 }) }, { block_id: id }),
});
