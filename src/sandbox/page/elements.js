/** Interactive elements outside input blocks: buttons, selects, menus, and their confirm dialogs. */
import { askConfirm, openMenu } from "./confirm.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { renderText } from "./inline.js";
import { isSafeUrl } from "./mrkdwn.js";

/** One element of an actions block or a section's accessory. */
export function renderElement(element, blockId, ctx) {
  const draw = Object.hasOwn(ELEMENTS, element.type) ? ELEMENTS[element.type] : unknownElement;
  const node = draw(element, blockId, ctx);
  node.setAttribute("data-key", `${blockId}/${element.action_id}`);
  return node;
}

/** `<option>`s of a select, grouped where the element groups them. */
export function renderOptions(element, chosen) {
  const option = ({ text, value }) =>
    h("option", { value, selected: value === chosen }, renderText(text, null));
  if (!element.option_groups) return (element.options ?? []).map(option);
  return element.option_groups.map((group) =>
    h("optgroup", { label: group.label.text }, group.options.map(option)),
  );
}

const ELEMENTS = {
  button: renderButton,
  static_select: renderSelect,
  overflow: renderOverflow,
};

function renderButton(element, blockId, ctx) {
  const busy = ctx.isBusy(blockId, element.action_id);
  const classes = `btn ${element.style ? `btn-${element.style}` : ""}${busy ? " is-busy" : ""}`;
  const press = () => confirmThen(element, ctx, () => ctx.act(element, blockId, { value: element.value }));
  const label = h("span", { class: "btn-label" }, renderText(element.text, ctx));
  const common = { class: classes, "aria-busy": busy, "aria-label": element.accessibility_label };
  if (element.url && isSafeUrl(element.url)) {
    const link = { href: element.url, role: "button", target: "_blank", rel: "noopener noreferrer" };
    return h("a", { ...common, ...link, onclick: press }, label, icon("out"));
  }
  return h(
    "button",
    { ...common, type: "button", "aria-disabled": busy, onclick: busy ? null : press },
    label,
  );
}

function renderSelect(element, blockId, ctx) {
  const placeholder = element.placeholder?.text ?? "Choose";
  const initial = element.initial_option?.value ?? "";
  const busy = ctx.isBusy(blockId, element.action_id);
  const choose = (event) => {
    const select = event.currentTarget;
    const selected = select.value;
    const back = () => {
      select.value = initial;
    };
    if (selected) confirmThen(element, ctx, () => ctx.act(element, blockId, { selected }), back);
  };
  return h(
    "select",
    { class: `select${busy ? " is-busy" : ""}`, "aria-label": placeholder, disabled: busy, onchange: choose },
    h("option", { value: "", hidden: initial !== "", selected: initial === "" }, placeholder),
    renderOptions(element, initial),
  );
}

function renderOverflow(element, blockId, ctx) {
  const open = (event) => {
    const items = element.options.map((option) => ({
      content: renderText(option.text, ctx),
      url: option.url,
      choose: () => confirmThen(element, ctx, () => ctx.act(element, blockId, { selected: option.value })),
    }));
    openMenu(event.currentTarget, items);
  };
  const label = {
    type: "button",
    title: "More actions",
    "aria-label": "More actions",
    "aria-haspopup": "menu",
  };
  return h("button", { class: "btn btn-icon", ...label, onclick: open }, icon("more"));
}

function unknownElement(element) {
  return h("span", { class: "block-unknown" }, `An element of type "${element.type}": not drawn here.`);
}

async function confirmThen(element, ctx, go, otherwise) {
  if (!element.confirm || (await askConfirm(element.confirm, ctx))) go();
  else otherwise?.();
}
