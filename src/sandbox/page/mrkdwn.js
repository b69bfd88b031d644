/**
 * Slack's mrkdwn into a plain token tree; inline.js draws it. Tokens:
 * text {text}, bold/italic/strike/quote {children}, code/pre {text}, link {url, text}, user {id, label},
 * channel {id, label}, usergroup {id, label}, broadcast {range}, emoji {name, char},
 * date {timestamp, format, url, fallback}.
 */
import { EMOJI } from "./emoji.js";

const STYLES = { "*": "bold", _: "italic", "~": "strike" };
const WORD = /[\p{L}\p{N}]/u;
const SAFE_URL = /^(https?:\/\/|mailto:|tel:)/i;

/** Text of a mrkdwn object to tokens. Never throws; what is no markup stays text. */
export function parseMrkdwn(text) {
  const tokens = [];
  let from = 0;
  for (const fence of text.matchAll(/```\n?([\s\S]+?)\n?```/g)) {
    tokens.push(...parseLines(text.slice(from, fence.index)));
    tokens.push({ type: "pre", text: plain(fence[1]) });
    from = fence.index + fence[0].length;
  }
  tokens.push(...parseLines(text.slice(from)));
  return trimAroundBlocks(tokens);
}

/** A plain_text object to tokens: shortcodes only. */
export function parsePlain(text, emoji = true) {
  if (!emoji) return [{ type: "text", text }];
  const tokens = [];
  let from = 0;
  for (const match of text.matchAll(/:([a-z0-9_+-]+):/g)) {
    if (!Object.hasOwn(EMOJI, match[1]) || match.index < from) continue;
    if (match.index > from) tokens.push({ type: "text", text: text.slice(from, match.index) });
    tokens.push({ type: "emoji", name: match[1], char: EMOJI[match[1]] });
    from = match.index + match[0].length;
  }
  if (from < text.length) tokens.push({ type: "text", text: text.slice(from) });
  return tokens;
}

/** Whether a foreign address may become a link: no `javascript:`, no `data:`. */
export function isSafeUrl(url) {
  return SAFE_URL.test(url);
}

export function unescapeText(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function parseLines(text) {
  const tokens = [];
  let lines = [];
  let quoted = false;
  const flush = () => {
    if (lines.length === 0) return;
    const inline = parseInline(lines.join("\n"), "");
    if (quoted) tokens.push({ type: "quote", children: inline });
    else tokens.push(...inline);
    lines = [];
  };
  let allQuoted = false;
  for (const line of text.split("\n")) {
    const mark = /^(?:>|&gt;)( ?)/.exec(line);
    const block = /^(?:>>>|&gt;&gt;&gt;) ?/.exec(line);
    const isQuote = allQuoted || mark !== null;
    if (isQuote !== quoted) {
      flush();
      quoted = isQuote;
    }
    if (allQuoted) lines.push(line);
    else lines.push(line.slice((block ?? mark)?.[0].length ?? 0));
    if (block) allQuoted = true;
  }
  flush();
  return tokens;
}

/** `active` holds the style marks that are open: a style does not nest in itself, so depth stays small. */
function parseInline(text, active) {
  const tokens = [];
  const dead = {};
  let buffer = "";
  let at = 0;
  while (at < text.length) {
    const found = readToken(text, at, active, dead);
    if (!found) {
      buffer += text[at];
      at += 1;
      continue;
    }
    if (buffer) tokens.push({ type: "text", text: unescapeText(buffer) });
    buffer = "";
    tokens.push(found.token);
    at = found.end;
  }
  if (buffer) tokens.push({ type: "text", text: unescapeText(buffer) });
  return tokens;
}

function readToken(text, at, active, dead) {
  const mark = text[at];
  if (mark === "`") return readCode(text, at);
  if (mark === "<") return readAngle(text, at);
  if (mark === ":") return readEmoji(text, at);
  if (mark === "h") return readBareUrl(text, at);
  if (Object.hasOwn(STYLES, mark) && !active.includes(mark)) return readStyled(text, at, active, dead);
  return null;
}

function readCode(text, at) {
  const match = matchAt(/`([^`\n]+)`/y, text, at);
  return match && { token: { type: "code", text: plain(match[1]) }, end: at + match[0].length };
}

function readEmoji(text, at) {
  const match = matchAt(/:([a-z0-9_+-]+):/y, text, at);
  if (!match || !Object.hasOwn(EMOJI, match[1])) return null;
  return { token: { type: "emoji", name: match[1], char: EMOJI[match[1]] }, end: at + match[0].length };
}

function readBareUrl(text, at) {
  if (at > 0 && WORD.test(text[at - 1])) return null;
  const match = matchAt(/https?:\/\/[^\s<>|*~`]+/y, text, at);
  if (!match) return null;
  const url = match[0].replace(/(?:[.,;:!?)\]'"]|&gt;|&lt;)+$/, "");
  const address = unescapeText(url);
  return { token: { type: "link", url: address, text: address }, end: at + url.length };
}

function readStyled(text, at, active, dead) {
  const mark = text[at];
  if (at < (dead[mark] ?? 0)) return null;
  if (at > 0 && (WORD.test(text[at - 1]) || text[at - 1] === mark)) return null;
  if (/[\s]/.test(text[at + 1] ?? " ") || text[at + 1] === mark) return null;
  const close = findClose(text, at, mark);
  if (close.index === -1) {
    // no closing mark in this line: later openers need not look again
    dead[mark] = close.lineEnd;
    return null;
  }
  const children = parseInline(text.slice(at + 1, close.index), active + mark);
  return { token: { type: STYLES[mark], children }, end: close.index + 1 };
}

function findClose(text, at, mark) {
  let index = at + 1;
  while (index < text.length && text[index] !== "\n") {
    const skipped = text[index] === "`" ? readCode(text, index) : skipAngle(text, index);
    if (skipped) index = skipped.end;
    else if (text[index] === mark && !/\s/.test(text[index - 1]) && !WORD.test(text[index + 1] ?? "")) {
      return { index };
    } else index += 1;
  }
  return { index: -1, lineEnd: index };
}

function skipAngle(text, at) {
  const match = text[at] === "<" && matchAt(/<[^<>\n]+>/y, text, at);
  return match ? { end: at + match[0].length } : null;
}

function readAngle(text, at) {
  const match = matchAt(/<([^<>\n]+)>/y, text, at);
  const token = match && angleToken(match[1]);
  return token ? { token, end: at + match[0].length } : null;
}

function angleToken(inner) {
  const bar = inner.indexOf("|");
  const target = bar === -1 ? inner : inner.slice(0, bar);
  const label = bar === -1 ? null : unescapeText(inner.slice(bar + 1));
  if (/^@[UW]\w+$/.test(target)) return { type: "user", id: target.slice(1), label };
  if (/^#[CG]\w+$/.test(target)) return { type: "channel", id: target.slice(1), label };
  if (target.startsWith("!subteam^")) return { type: "usergroup", id: target.slice(9), label };
  if (/^!(here|channel|everyone)$/.test(target)) return { type: "broadcast", range: target.slice(1) };
  if (target.startsWith("!date^")) {
    const [, timestamp, format = "", url = null] = target.split("^");
    return {
      type: "date",
      timestamp: Number(timestamp),
      format: unescapeText(format),
      url,
      fallback: label ?? "",
    };
  }
  if (!isSafeUrl(target)) return null;
  const url = unescapeText(target);
  return { type: "link", url, text: label || url.replace(/^(mailto|tel):/i, "") };
}

/** What code shows: the text of links, and no escapes. */
function plain(text) {
  return unescapeText(
    text.replaceAll(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, target, label) => label || target),
  );
}

function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Code and quotes stand on lines of their own: the newline beside them is already spent. */
function trimAroundBlocks(tokens) {
  const isBlock = (token) => token?.type === "pre" || token?.type === "quote";
  const trimmed = tokens.map((token, index) => {
    if (token.type !== "text") return token;
    let text = token.text;
    if (isBlock(tokens[index - 1])) text = text.replace(/^\n/, "");
    if (isBlock(tokens[index + 1])) text = text.replace(/\n$/, "");
    return { type: "text", text };
  });
  return trimmed.filter((token) => token.type !== "text" || token.text !== "");
}
