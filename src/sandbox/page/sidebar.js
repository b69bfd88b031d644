/** The banner above the page and the column at its left. */
import { avatar } from "./avatar.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { state, unreadOf } from "./store.js";

export function renderBanner() {
  const [look, text] = connection();
  return h(
    "header",
    { id: "banner", class: "banner" },
    h(
      "p",
      { class: "banner-text" },
      h("strong", { class: "banner-mark" }, "Sandbox"),
      h("span", { class: "vh" }, ": "),
      h("span", {}, "a local stand-in for Slack. Nothing here leaves this machine."),
    ),
    h(
      "p",
      { class: `connection connection-${look}`, role: "status" },
      h("span", { class: "state-dot", "aria-hidden": "true" }),
      text,
    ),
  );
}

/** `actions`: {openChannel(id), actAs(id)}. */
export function renderNav(actions) {
  return h(
    "nav",
    { id: "nav", "aria-label": "Workspace" },
    h(
      "div",
      { class: "workspace" },
      h("span", { class: "workspace-mark", "aria-hidden": "true" }, icon("bell")),
      h(
        "div",
        {},
        h("h1", { class: "workspace-name" }, state.team.name),
        h("p", {}, "Steward is on duty here"),
      ),
    ),
    h("h2", { class: "side-title" }, "Channels"),
    h(
      "ul",
      { class: "side-list" },
      state.channels.map((each) => h("li", { "data-key": each.id }, channelButton(each, actions))),
    ),
    h("h2", { class: "side-title", id: "acting-as" }, "Acting as"),
    h(
      "div",
      { class: "side-list", role: "group", "aria-labelledby": "acting-as" },
      people().map((each) => personButton(each, actions)),
    ),
  );
}

/** Those one can act as. */
export function people(everybody = state.people) {
  return everybody.filter((each) => each.kind !== "bot");
}

function connection() {
  if (!state.online) return ["lost", "The sandbox is not answering. Trying again…"];
  if (state.connections > 0) return ["up", "Steward is connected"];
  return ["waiting", "Waiting for Steward…"];
}

function channelButton(each, actions) {
  const unread = each.id === state.channel ? 0 : unreadOf(each.id);
  const isOpen = each.id === state.channel;
  return h(
    "button",
    {
      class: `side-item${unread > 0 ? " is-unread" : ""}`,
      type: "button",
      "aria-label": `# ${each.name}`,
      "aria-current": isOpen ? "true" : null,
      "aria-describedby": unread > 0 ? `unread-${each.id}` : null,
      onclick: () => actions.openChannel(each.id),
    },
    h("span", { class: "side-hash" }, "#"),
    " ",
    each.name,
    unread > 0 &&
      h(
        "span",
        { class: "badge", id: `unread-${each.id}` },
        unread > 99 ? "99+" : unread,
        h("span", { class: "vh" }, " new"),
      ),
  );
}

function personButton(each, actions) {
  return h(
    "button",
    {
      class: "side-item side-person",
      type: "button",
      "aria-pressed": String(each.id === state.me),
      "data-key": each.id,
      onclick: () => actions.actAs(each.id),
    },
    avatar(each, "avatar-small"),
    h("span", { class: "side-person-name" }, each.displayName),
    " ",
    h("span", { class: "side-person-title" }, each.title),
  );
}
