/** The scrolling list of a channel or a thread: keeps its place, follows the newest only when it is in view. */
import { busyIn } from "./context.js";
import { dayKey, dayName } from "./dates.js";
import { h, morph, place } from "./dom.js";
import { icon } from "./icons.js";
import { renderMessage, renderNote } from "./message.js";
import { isReply, messagesOf, state } from "./store.js";

const SHOWN_AT_ONCE = 300;
const COMPACT_WITHIN_SECONDS = 300;
const AT_BOTTOM_PX = 48;

/**
 * Makes a list. `show(subject, items)` draws: `subject` names what is listed (another one starts at the bottom),
 * items are `{key, sign, draw, isMessage?, isMine?}`, drawn anew only when `sign` differs.
 */
export function createList(label) {
  const list = h("div", { class: "list", role: "log", "aria-label": label, "aria-relevant": "additions" });
  const scroller = h("div", { class: "scroller", tabindex: "0", "aria-label": label, role: "region" }, list);
  const pill = h("button", { class: "pill", type: "button", hidden: true }, icon("down"), "New messages");
  let drawn = new Map();
  let subject = null;
  let follows = true;

  const toBottom = () => {
    follows = true;
    scroller.scrollTop = scroller.scrollHeight;
    pill.hidden = true;
  };
  pill.onclick = toBottom;
  const isAtBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_BOTTOM_PX;
  scroller.addEventListener("scroll", () => {
    follows = isAtBottom();
    if (follows) pill.hidden = true;
  });
  // images that load late and a window that changes its size move the bottom away
  const observer = new ResizeObserver(() => follows && toBottom());
  observer.observe(list);
  observer.observe(scroller);

  function show(nextSubject, items) {
    const isOther = nextSubject !== subject;
    follows ||= isAtBottom();
    if (isOther) drawn = new Map();
    list.setAttribute("aria-live", isOther ? "off" : "polite");
    const added = items.filter((item) => !drawn.has(item.key));
    const next = new Map();
    for (const item of items) next.set(item.key, redraw(drawn.get(item.key), item));
    place(
      list,
      [...next.values()].map((entry) => entry.element),
    );
    drawn = next;
    subject = nextSubject;
    // a channel without messages is read from its beginning
    if (isOther && !items.some((item) => item.isMessage || item.isMine)) toTop();
    else if (isOther || follows || added.some((item) => item.isMine)) toBottom();
    else if (added.some((item) => item.isMessage)) pill.hidden = false;
  }

  const toTop = () => {
    follows = false;
    scroller.scrollTop = 0;
  };
  return { element: h("div", { class: "list-frame" }, scroller, pill), show, toTop };
}

/** Items of a channel's main pane: day dividers, root messages, the page's own notes. */
export function channelItems(channelId, openThread) {
  const all = messagesOf(channelId);
  const replies = groupReplies(all);
  const roots = all.filter((message) => !isReply(message));
  const shown = roots.slice(-SHOWN_AT_ONCE);
  const items = withNotes(shown, channelId, null, (message, before) =>
    messageItem(message, {
      replies: replies.get(message.ts) ?? null,
      openThread: () => openThread(message),
      isCompact: isCompact(message, before),
    }),
  );
  const hidden = roots.length - shown.length;
  return hidden > 0 ? [textItem("hidden", `${hidden} older messages are not shown.`), ...items] : items;
}

/** Items of a thread: its root, a line with the count, the replies. */
export function threadItems(channelId, rootTs) {
  const all = messagesOf(channelId);
  const root = all.find((message) => message.ts === rootTs);
  const replies = all.filter((message) => isReply(message) && message.threadTs === rootTs);
  const options = { replies: null, openThread: null, isCompact: false };
  const items = withNotes(replies, channelId, rootTs, (message, before) =>
    messageItem(message, { ...options, isCompact: isCompact(message, before) }),
  ).filter((item) => !item.key.startsWith("day-"));
  const line = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  return [root && messageItem(root, options), replies.length > 0 && textItem("count", line), ...items].filter(
    Boolean,
  );
}

function redraw(entry, item) {
  if (entry?.sign === item.sign) return entry;
  const fresh = item.draw();
  const element = entry ? morph(entry.element, fresh) : fresh;
  return { sign: item.sign, element };
}

function messageItem(message, options) {
  const fault = state.faults.get(`${message.channel}/${message.ts}`);
  return {
    key: message.ts,
    sign: JSON.stringify([message, options.replies, options.isCompact, busyIn(message), fault]),
    draw: () => renderMessage(message, options),
    isMessage: true,
    isMine: message.user === state.me,
  };
}

function withNotes(messages, channelId, threadTs, toItem) {
  const isHere = (note) => note.channel === channelId && (note.threadTs ?? null) === threadTs;
  const notes = state.notes.filter((note) => isHere(note) && note.user === state.me);
  const entries = [
    ...messages.map((message) => ({ at: Number(message.ts), message })),
    ...notes.map((note) => ({ at: note.at, note })),
  ].sort((a, b) => a.at - b.at);
  const items = [];
  let day = null;
  let before = null;
  for (const { at, message, note } of entries) {
    if (dayKey(at) !== day) {
      day = dayKey(at);
      before = null;
      items.push(textItem(`day-${day}`, dayName(at)));
    }
    items.push(message ? toItem(message, before) : noteItem(note));
    before = message ?? null;
  }
  return items;
}

function noteItem(note) {
  return { key: note.id, sign: JSON.stringify(note), draw: () => renderNote(note), isMine: true };
}

function textItem(key, text) {
  return { key, sign: text, draw: () => h("div", { class: "divider" }, h("span", {}, text)) };
}

/** A person's lines in quick succession need one name; cards always carry theirs. */
function isCompact(message, before) {
  if (!before || before.user !== message.user || message.blocks?.length > 0 || before.blocks?.length > 0)
    return false;
  if (message.ephemeralFor || before.ephemeralFor) return false;
  return Number(message.ts) - Number(before.ts) < COMPACT_WITHIN_SECONDS;
}

function groupReplies(messages) {
  const groups = new Map();
  for (const message of messages.filter(isReply)) {
    const group = groups.get(message.threadTs) ?? { count: 0, privateCount: 0, people: [], last: 0 };
    if (message.ephemeralFor) group.privateCount += 1;
    else group.count += 1;
    if (!group.people.includes(message.user)) group.people.push(message.user);
    group.last = message.ts;
    groups.set(message.threadTs, group);
  }
  return groups;
}
