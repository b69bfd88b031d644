/** Draws the token trees of mrkdwn.js and markdown.js. `ctx` is the drawing context, see app.js. */
import { formatDate, fullDateOf } from "./dates.js";
import { h } from "./dom.js";
import { isSafeUrl, parseMrkdwn, parsePlain } from "./mrkdwn.js";

/** A Slack text object (`mrkdwn` or `plain_text`) to nodes. */
export function renderText(object, ctx) {
  if (!object) return [];
  const tokens =
    object.type === "mrkdwn" ? parseMrkdwn(object.text) : parsePlain(object.text, object.emoji !== false);
  return renderTokens(tokens, ctx);
}

export function renderTokens(tokens, ctx) {
  return tokens.map((token) => DRAW[token.type](token, ctx));
}

export function renderLink(url, content) {
  if (!isSafeUrl(url)) return h("span", {}, content);
  // a permalink to a message of this page: app.js follows the hash
  const permalink = `${location.origin}/archives/`;
  if (url.startsWith(permalink)) return h("a", { href: `#${url.slice(permalink.length)}` }, content);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, content);
}

export function renderUser(id, label, ctx) {
  const name = ctx.person(id)?.displayName ?? label ?? id;
  return h("span", { class: id === ctx.me ? "mention mention-me" : "mention" }, `@${name}`);
}

export function renderChannel(id, label, ctx) {
  const name = ctx.channel(id)?.name ?? label ?? id;
  if (!ctx.channel(id)) return h("span", { class: "mention" }, `#${name}`);
  return h(
    "button",
    { class: "mention mention-link", type: "button", onclick: () => ctx.openChannel(id) },
    `#${name}`,
  );
}

export function renderGroup(id, label, ctx) {
  const name = label ?? ctx.group(id) ?? "group";
  return h("span", { class: "mention" }, name.startsWith("@") ? name : `@${name}`);
}

export function renderBroadcast(range) {
  return h("span", { class: "mention mention-me" }, `@${range}`);
}

export function renderDate({ timestamp, format, url, fallback }) {
  const text = formatDate(timestamp, format);
  if (text === null) return h("span", {}, fallback);
  const time = h(
    "time",
    { datetime: new Date(timestamp * 1000).toISOString(), title: fullDateOf(timestamp) },
    text,
  );
  return url ? renderLink(url, time) : time;
}

export function renderEmoji(name, char) {
  return h("span", { class: "emoji", title: `:${name}:` }, char);
}

const DRAW = {
  text: (token) => document.createTextNode(token.text),
  bold: (token, ctx) => h("strong", {}, renderTokens(token.children, ctx)),
  italic: (token, ctx) => h("em", {}, renderTokens(token.children, ctx)),
  strike: (token, ctx) => h("s", {}, renderTokens(token.children, ctx)),
  quote: (token, ctx) => h("blockquote", {}, renderTokens(token.children, ctx)),
  code: (token) => h("code", {}, token.text),
  pre: (token) => h("pre", {}, token.text),
  link: (token) => renderLink(token.url, token.text),
  user: (token, ctx) => renderUser(token.id, token.label, ctx),
  channel: (token, ctx) => renderChannel(token.id, token.label, ctx),
  usergroup: (token, ctx) => renderGroup(token.id, token.label, ctx),
  broadcast: (token) => renderBroadcast(token.range),
  emoji: (token) => renderEmoji(token.name, token.char),
  date: (token) => renderDate(token),
};
