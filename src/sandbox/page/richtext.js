/** The rich_text block. */
import { h } from "./dom.js";
import { EMOJI } from "./emoji.js";
import {
  renderBroadcast,
  renderChannel,
  renderDate,
  renderEmoji,
  renderGroup,
  renderLink,
  renderUser,
} from "./inline.js";

export function renderRichText(block, ctx) {
  return h(
    "div",
    { class: "rich-text" },
    block.elements.map((element) => PARTS[element.type]?.(element, ctx)),
  );
}

const PARTS = {
  rich_text_section: (part, ctx) => h("div", { class: "rt-section" }, renderElements(part.elements, ctx)),
  rich_text_quote: (part, ctx) => h("blockquote", {}, renderElements(part.elements, ctx)),
  rich_text_preformatted: (part, ctx) => h("pre", {}, renderElements(part.elements, ctx)),
  rich_text_list: (part, ctx) => {
    const items = part.elements.map((item) => h("li", {}, renderElements(item.elements, ctx)));
    const start = part.offset ? part.offset + 1 : null;
    return h(part.style === "ordered" ? "ol" : "ul", { start, class: `indent-${part.indent ?? 0}` }, items);
  },
};

function renderElements(elements, ctx) {
  return elements.map((element) => styled(INLINE[element.type]?.(element, ctx) ?? "", element.style));
}

const INLINE = {
  text: (element) => document.createTextNode(element.text),
  link: (element) => renderLink(element.url, element.text || element.url),
  emoji: (element) => {
    const char = EMOJI[element.name];
    return char ? renderEmoji(element.name, char) : document.createTextNode(`:${element.name}:`);
  },
  user: (element, ctx) => renderUser(element.user_id, null, ctx),
  channel: (element, ctx) => renderChannel(element.channel_id, null, ctx),
  usergroup: (element, ctx) => renderGroup(element.usergroup_id, null, ctx),
  broadcast: (element) => renderBroadcast(element.range),
  date: (element) => renderDate({ fallback: "", url: null, ...element }),
  color: (element) => h("code", {}, element.value),
};

function styled(node, style) {
  let result = node;
  if (style?.code) result = h("code", {}, result);
  if (style?.strike) result = h("s", {}, result);
  if (style?.underline) result = h("u", {}, result);
  if (style?.italic) result = h("em", {}, result);
  if (style?.bold) result = h("strong", {}, result);
  return result;
}
