/** The box to write in: Enter sends, Shift+Enter breaks the line, `/` shows commands, arrow up recalls the last. */
import { h } from "./dom.js";
import { icon } from "./icons.js";

const HINTS = [
  { text: "/ops help", about: "what Steward can do" },
  { text: "/ops health", about: "how everything is doing right now" },
  { text: "/ops status", about: "services, versions, runs" },
  { text: "/ops update shop 1.1.0", about: "a good release of the demo shop" },
  { text: "/ops update shop 1.2.0", about: "a bad release: watch it being undone" },
  { text: "/ops rollback shop", about: "back to the release before" },
  { text: "/ops runs", about: "what was run, by whom" },
];

const history = [];

/**
 * Makes a composer. `onSend(text)` returns false to keep the text in the box.
 * `setTarget({key, label, placeholder})` says where it writes to; each key has its own draft.
 */
export function createComposer({ id, hasCommands, onSend }) {
  const box = h("textarea", { class: "composer-box", rows: 1, id });
  const send = h(
    "button",
    { class: "composer-send", type: "submit", "aria-label": "Send", title: "Send" },
    icon("send"),
  );
  const hints = h("ul", {
    class: "hints",
    role: "listbox",
    id: `${id}-hints`,
    "aria-label": "Commands",
    hidden: true,
  });
  const form = h("form", { class: "composer" }, hints, h("div", { class: "composer-frame" }, box, send));
  const drafts = new Map();
  let target = null;
  let chosen = -1;
  let recalled = history.length;

  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 200)}px`;
    send.disabled = box.value.trim() === "";
  };
  const setText = (text) => {
    box.value = text;
    grow();
  };
  const showHints = (found) => {
    chosen = -1;
    hints.replaceChildren(...found.map((hint, index) => hintItem(hint, index)));
    hints.hidden = found.length === 0;
    mark();
  };
  const mark = () => {
    [...hints.children].forEach((item, index) => {
      item.setAttribute("aria-selected", String(index === chosen));
    });
    const active = hints.children[chosen];
    if (active) box.setAttribute("aria-activedescendant", active.id);
    else box.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  };
  const take = (text) => {
    setText(text);
    showHints([]);
    box.focus();
  };
  const hintItem = (hint, index) =>
    h(
      "li",
      // mousedown would take the focus from the box before the click counts
      { class: "hint", role: "option", id: `${id}-hint-${index}`, onclick: () => take(hint.text) },
      h("code", {}, hint.text),
      h("span", { class: "muted" }, hint.about),
    );
  hints.addEventListener("mousedown", (event) => event.preventDefault());

  const submit = () => {
    const text = box.value.trim();
    if (text === "") return;
    showHints([]);
    if (onSend(text) === false) return;
    if (text.startsWith("/") && history.at(-1) !== text) history.push(text);
    recalled = history.length;
    setText("");
  };
  const recall = (step) => {
    const next = recalled + step;
    if (next < 0 || next > history.length) return;
    recalled = next;
    setText(history[recalled] ?? "");
  };

  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", `${id}-hints`);
  box.oninput = () => {
    grow();
    recalled = history.length;
    const found = box.value.startsWith("/") ? HINTS.filter(({ text }) => text.startsWith(box.value)) : [];
    showHints(hasCommands && found[0]?.text !== box.value ? found : []);
  };
  box.onblur = () => {
    hints.hidden = true;
  };
  box.onkeydown = (event) => {
    if (event.isComposing) return;
    const isOpen = !hints.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isRecalling = hasCommands && (box.value === "" || box.value === history[recalled]);
    if (isOpen && step) {
      chosen = (chosen + step + hints.children.length) % hints.children.length;
      mark();
    } else if (isOpen && event.key === "Escape") showHints([]);
    else if (isOpen && event.key === "Tab" && !event.shiftKey) take(hintText(Math.max(chosen, 0)));
    else if (isOpen && event.key === "Enter" && chosen >= 0) take(hintText(chosen));
    else if (step && isRecalling) recall(step);
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
    if (event.key === "Escape") event.stopPropagation();
  };
  const hintText = (index) => hints.children[index].querySelector("code").textContent;
  form.onsubmit = (event) => {
    event.preventDefault();
    submit();
  };

  function setTarget(next) {
    box.setAttribute("aria-label", next.label);
    box.placeholder = next.placeholder;
    if (next.key === target) return;
    if (target !== null) drafts.set(target, box.value);
    target = next.key;
    setText(drafts.get(target) ?? "");
    showHints([]);
  }
  return { element: form, setTarget, focus: () => box.focus() };
}
