/** One message of a channel or thread, and the page's own notes among them. */
import { avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { messageContext } from "./context.js";
import { fullDateOf, timeOf } from "./dates.js";
import { h } from "./dom.js";
import { renderFiles } from "./files.js";
import { icon } from "./icons.js";
import { renderText } from "./inline.js";
import { person, state } from "./store.js";

/** `replies`: {count, people, last} or null; `openThread` null inside a thread; `isCompact`: no name, no avatar. */
export function renderMessage(message, { replies, openThread, isCompact }) {
  const author = person(message.user);
  const name = author?.displayName ?? message.user;
  const fault = state.faults.get(`${message.channel}/${message.ts}`);
  const isPrivate = message.ephemeralFor !== undefined;
  const classes = `message${isPrivate ? " message-private" : ""}${isCompact ? " message-compact" : ""}`;
  const time = h("time", { title: fullDateOf(message.ts) }, timeOf(message.ts));
  return h(
    "article",
    {
      class: classes,
      "data-ts": message.ts,
      "data-channel": message.channel,
      "data-user": message.user,
      "aria-label": `${name}, ${timeOf(message.ts)}`,
    },
    h("div", { class: "message-side" }, isCompact ? time : avatar(author)),
    h(
      "div",
      { class: "message-main" },
      isPrivate && h("p", { class: "only-you" }, icon("lock"), "Only visible to you"),
      !isCompact &&
        h(
          "div",
          { class: "message-head" },
          h("span", { class: "message-name" }, name),
          author?.kind === "bot" && h("span", { class: "app-badge" }, "APP"),
          time,
        ),
      renderBody(message),
      message.files?.length > 0 && renderFiles(message.files),
      fault && h("p", { class: "fault", role: "alert" }, icon("cross"), fault),
      replies && openThread && renderReplies(replies, openThread),
    ),
    openThread && !isPrivate && renderTools(openThread),
  );
}

/** A command that was given, or an error in the place where a message would be. Seen on this page alone. */
export function renderNote(note) {
  const who = person(note.user)?.displayName ?? "You";
  if (note.kind === "command" && note.status !== "failed") {
    const outcome = note.status === "waiting" ? "…" : ` · answered in ${note.ackMs ?? "?"} ms`;
    return h(
      "div",
      { class: "note" },
      `${who} ran `,
      h("code", {}, note.text),
      h("span", { class: "muted" }, outcome),
    );
  }
  return h(
    "div",
    { class: "note note-failed", role: "alert" },
    h("p", { class: "only-you" }, icon("lock"), "Only visible to you"),
    note.text && h("p", {}, `${who} ran `, h("code", {}, note.text)),
    h("p", {}, note.error),
  );
}

function renderBody(message) {
  if (message.blocks?.length > 0) {
    return h("div", { class: "blocks" }, renderBlocks(message.blocks, messageContext(message)));
  }
  const text = renderText({ type: "mrkdwn", text: message.text }, messageContext(message));
  return h("div", { class: "mrkdwn message-text" }, text);
}

function renderReplies({ count, people, last, privateCount }, openThread) {
  const parts = [];
  if (count > 0) parts.push(`${count} ${count === 1 ? "reply" : "replies"}`);
  if (privateCount > 0) parts.push(`${privateCount} only visible to you`);
  return h(
    "button",
    { class: "replies", type: "button", onclick: openThread },
    h(
      "span",
      { class: "replies-people" },
      people.slice(0, 4).map((id) => avatar(person(id), "avatar-tiny")),
    ),
    h("span", { class: "replies-count" }, parts.join(" · ")),
    " ",
    h("span", { class: "muted" }, `Last reply ${timeOf(last)}`),
  );
}

function renderTools(openThread) {
  return h(
    "div",
    { class: "message-tools" },
    h("button", { class: "tool", type: "button", onclick: openThread }, icon("reply"), "Reply in thread"),
  );
}
