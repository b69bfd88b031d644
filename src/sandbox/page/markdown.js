/** The markdown block: headings, paragraphs, lists, quotes, fences, rules, and inline styles. */
import { h } from "./dom.js";
import { renderLink, renderTokens } from "./inline.js";
import { parsePlain } from "./mrkdwn.js";

export function renderMarkdown(text, ctx) {
  return h("div", { class: "markdown" }, readBlocks(text.split("\n"), ctx));
}

function readBlocks(lines, ctx) {
  const nodes = [];
  let at = 0;
  while (at < lines.length) {
    const reader = READERS.find(({ starts }) => starts.test(lines[at]));
    let end = at + 1;
    if (reader.fenced) {
      while (end < lines.length && !reader.starts.test(lines[end])) end += 1;
      nodes.push(h("pre", {}, lines.slice(at + 1, end).join("\n")));
      at = end + 1;
      continue;
    }
    while (reader.goesOn && end < lines.length && reader.goesOn(lines[end])) end += 1;
    nodes.push(reader.draw(lines.slice(at, end), ctx));
    at = end;
  }
  return nodes;
}

const FENCE = /^\s*```/;
const HEADING = /^(#{1,6})\s+/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^>\s?/;
const BULLET = /^\s*[-*+]\s+/;
const NUMBER = /^\s*\d+[.)]\s+/;
const BLANK = /^\s*$/;
const SPECIAL = [FENCE, HEADING, RULE, QUOTE, BULLET, NUMBER, BLANK];

const READERS = [
  { starts: FENCE, fenced: true },
  { starts: BLANK, draw: () => null },
  { starts: RULE, draw: () => h("hr") },
  {
    starts: HEADING,
    draw: ([line], ctx) => h("p", { class: "md-heading" }, inline(line.replace(HEADING, ""), ctx)),
  },
  {
    starts: QUOTE,
    goesOn: (line) => QUOTE.test(line),
    draw: (lines, ctx) =>
      h("blockquote", {}, inline(lines.map((line) => line.replace(QUOTE, "")).join("\n"), ctx)),
  },
  list("ul", BULLET),
  list("ol", NUMBER),
  {
    starts: /./,
    goesOn: (line) => !SPECIAL.some((pattern) => pattern.test(line)),
    draw: (lines, ctx) => h("p", {}, inline(lines.join("\n"), ctx)),
  },
];

function list(tag, pattern) {
  return {
    starts: pattern,
    goesOn: (line) => pattern.test(line),
    draw: (lines, ctx) => {
      const items = lines.map((line) => h("li", {}, inline(line.replace(pattern, ""), ctx)));
      return h(tag, {}, items);
    },
  };
}

const INLINE =
  /`([^`]+)`|\*\*(\S(?:.*?\S)?)\*\*|~~(\S(?:.*?\S)?)~~|\[([^\]]+)\]\(([^)\s]+)\)|(?<!\w)([*_])(\S(?:.*?\S)?)\6(?!\w)/g;

function inline(text, ctx) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(...renderTokens(parsePlain(text.slice(from, match.index)), ctx));
    const [whole, code, bold, strike, label, url, , italic] = match;
    if (code) nodes.push(h("code", {}, code));
    else if (bold) nodes.push(h("strong", {}, inline(bold, ctx)));
    else if (strike) nodes.push(h("s", {}, inline(strike, ctx)));
    else if (label) nodes.push(renderLink(url, inline(label, ctx)));
    else nodes.push(h("em", {}, inline(italic, ctx)));
    from = match.index + whole.length;
  }
  nodes.push(...renderTokens(parsePlain(text.slice(from)), ctx));
  return nodes;
}
