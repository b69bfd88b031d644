/** Things that open above the page: the confirm dialog and the overflow menu. */
import { h } from "./dom.js";
import { renderText } from "./inline.js";
import { isSafeUrl } from "./mrkdwn.js";

/** Shows Slack's confirmation dialog; resolves true when the person confirms. */
export function askConfirm(confirm, ctx) {
  return new Promise((resolve) => {
    const end = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const deny = confirm.deny?.text ?? "Cancel";
    const accept = confirm.confirm?.text ?? "Confirm";
    const acceptStyle = confirm.style === "danger" ? "btn-danger" : "btn-primary";
    const dialog = h(
      "dialog",
      {
        class: "dialog dialog-small",
        "aria-labelledby": "confirm-title",
        "aria-describedby": "confirm-text",
      },
      h("h2", { id: "confirm-title", class: "dialog-title" }, confirm.title?.text ?? "Are you sure?"),
      h("div", { id: "confirm-text", class: "dialog-body mrkdwn" }, renderText(confirm.text, ctx)),
      h(
        "div",
        { class: "dialog-foot" },
        h("button", { class: "btn", type: "button", onclick: () => end(false) }, deny),
        h(
          "button",
          { class: `btn ${acceptStyle}`, type: "button", autofocus: true, onclick: () => end(true) },
          accept,
        ),
      ),
    );
    dialog.oncancel = (event) => {
      event.preventDefault();
      end(false);
    };
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Opens a menu below `anchor`. Items: `{content, choose, url?}`. Arrow keys move, Escape closes.
 * It hangs on the page and not in the message, so an update of the message does not close it.
 */
export function openMenu(anchor, items) {
  const pick = (item) => {
    menu.hidePopover();
    if (item.url && isSafeUrl(item.url)) window.open(item.url, "_blank", "noopener");
    item.choose();
  };
  const menu = h(
    "div",
    { class: "menu", role: "menu", popover: "auto", onkeydown: moveInMenu },
    items.map((item) =>
      h(
        "button",
        { class: "menu-item", role: "menuitem", type: "button", onclick: () => pick(item) },
        item.content,
      ),
    ),
  );
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    menu.remove();
    if (anchor.isConnected) anchor.focus();
  });
  // inside an open dialog everything outside is inert, so the menu goes in there
  (anchor.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  const box = anchor.getBoundingClientRect();
  const below = box.bottom + 4 + menu.offsetHeight < innerHeight;
  menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - 4 - menu.offsetHeight)}px`;
  menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.firstElementChild?.focus();
}

function moveInMenu(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...event.currentTarget.children];
  const next = items.indexOf(document.activeElement) + step;
  items[(next + items.length) % items.length].focus();
}
