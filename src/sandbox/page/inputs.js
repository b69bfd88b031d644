/** Input blocks of a modal: drawing them, reading their values, checking them as Slack's client does. */
import { h } from "./dom.js";
import { renderOptions } from "./elements.js";
import { renderText } from "./inline.js";

/** One input block. `ctx.fieldError(blockId)` gives the message under it, if any. */
export function renderInput(block, ctx) {
  const { element } = block;
  const id = `in-${block.block_id}-${element.action_id}`;
  const error = ctx.fieldError?.(block.block_id);
  const note = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const attributes = {
    id,
    name: id,
    "data-action": element.action_id,
    "aria-describedby": note || null,
    "aria-invalid": error ? "true" : null,
    autofocus: element.focus_on_load,
  };
  const draw = Object.hasOwn(INPUTS, element.type) ? INPUTS[element.type] : unknownInput;
  const isGroup = GROUPS.has(element.type);
  const label = [
    renderText(block.label, ctx),
    block.optional && h("span", { class: "optional" }, " (optional)"),
  ];
  return h(
    isGroup ? "fieldset" : "div",
    { class: `field${error ? " field-bad" : ""}`, "data-block": block.block_id, "data-kind": element.type },
    isGroup ? h("legend", {}, label) : h("label", { for: id }, label),
    draw(element, attributes, ctx, block),
    error && h("p", { class: "field-error", id: `${id}-error`, role: "alert" }, error),
    block.hint && h("p", { class: "field-hint", id: `${id}-hint` }, renderText(block.hint, ctx)),
  );
}

/** The form's values as the control API wants them: `{blockId: {actionId: string | string[]}}`. */
export function readValues(form) {
  const values = {};
  for (const field of form.querySelectorAll("[data-block]")) {
    const value = readField(field);
    const action = field.querySelector("[data-action]")?.dataset.action;
    if (value !== null && action) values[field.dataset.block] = { [action]: value };
  }
  return values;
}

/** What is missing or of wrong length, `{blockId: message}`; empty when the form may be sent. */
export function checkValues(blocks, values) {
  const errors = {};
  for (const block of blocks.filter((each) => each.type === "input")) {
    const value = values[block.block_id]?.[block.element.action_id] ?? "";
    const problem = problemWith(block, value);
    if (problem) errors[block.block_id] = problem;
  }
  return errors;
}

const GROUPS = new Set(["radio_buttons", "checkboxes", "multi_static_select"]);

const INPUTS = {
  plain_text_input: (element, attributes, ctx, block) => {
    const dispatch = block.dispatch_action;
    const common = {
      ...attributes,
      class: "text-input",
      placeholder: element.placeholder?.text,
      maxlength: element.max_length,
      onkeydown: (event) => {
        if (event.key !== "Enter" || element.multiline || !dispatch) return;
        event.preventDefault();
        ctx.act(element, block.block_id, { value: event.currentTarget.value });
      },
    };
    if (element.multiline) return h("textarea", { ...common, rows: 4 }, element.initial_value ?? "");
    return h("input", { ...common, type: "text", value: element.initial_value ?? "" });
  },
  static_select: (element, attributes, ctx, block) =>
    h(
      "select",
      { ...attributes, class: "select", onchange: dispatching(element, ctx, block) },
      h("option", { value: "" }, element.placeholder?.text ?? "Choose"),
      renderOptions(element, element.initial_option?.value),
    ),
  radio_buttons: (element, attributes, ctx, block) =>
    choices("radio", element, attributes, [element.initial_option], ctx, block),
  checkboxes: (element, attributes, ctx, block) =>
    choices("checkbox", element, attributes, element.initial_options ?? [], ctx, block),
  multi_static_select: (element, attributes, ctx, block) => {
    const options = element.options ?? element.option_groups.flatMap((group) => group.options);
    return choices(
      "checkbox",
      { ...element, options },
      attributes,
      element.initial_options ?? [],
      ctx,
      block,
    );
  },
};

function choices(type, element, attributes, initial, ctx, block) {
  const { id, name, ...shared } = attributes;
  const chosen = new Set(initial.filter(Boolean).map((option) => option.value));
  return h(
    "div",
    { class: `choices${element.options.length > 8 ? " choices-long" : ""}` },
    element.options.map((option, index) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          ...shared,
          id: `${id}-${index}`,
          name,
          type,
          value: option.value,
          checked: chosen.has(option.value),
          autofocus: index === 0 && shared.autofocus,
          onchange: dispatching(element, ctx, block),
        }),
        h(
          "span",
          {},
          renderText(option.text, ctx),
          option.description && h("span", { class: "choice-note" }, renderText(option.description, ctx)),
        ),
      ),
    ),
  );
}

function dispatching(element, ctx, block) {
  if (!block.dispatch_action) return null;
  return (event) => ctx.act(element, block.block_id, { selected: event.currentTarget.value });
}

function unknownInput(element) {
  return h("p", { class: "block-unknown" }, `An input of type "${element.type}": not drawn here.`);
}

function readField(field) {
  const checked = [...field.querySelectorAll("input:checked")].map((input) => input.value);
  if (field.dataset.kind === "radio_buttons") return checked[0] ?? null;
  if (GROUPS.has(field.dataset.kind)) return checked;
  const value = field.querySelector("input, textarea, select")?.value ?? null;
  return field.dataset.kind === "static_select" && value === "" ? null : value;
}

function problemWith(block, value) {
  const { element } = block;
  if (value.length === 0) return block.optional ? null : "Please complete this required field.";
  if (element.type !== "plain_text_input") return null;
  if (element.min_length > value.length) return `Please write at least ${element.min_length} characters.`;
  if (element.max_length < value.length) return `Please write at most ${element.max_length} characters.`;
  return null;
}
