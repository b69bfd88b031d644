/** Interactive elements, with Slack's limits; which block may hold which stands in the tables at the end. */
import {
  choicesOfSelect,
  confirm,
  id,
  imageFields,
  imageSource,
  initialAmongOptions,
  option,
  overflowOption,
  plainText,
  richOption,
  selectFields,
} from "./composition.ts";
import { boolean, byType, integer, list, object, oneOf, type Rule, text, url } from "./rules.ts";

const actionId = { action_id: id };
const focus = { focus_on_load: boolean };
const placeholder = { placeholder: plainText(150) };

const button = object(
  { text: plainText(75) },
  {
    ...actionId,
    confirm,
    value: text({ min: 0, max: 2000 }),
    url: url(3000),
    style: oneOf("primary", "danger"),
    accessibility_label: text({ max: 75 }),
  },
);

const overflow = object({ options: list(overflowOption, { max: 5 }) }, { ...actionId, confirm });

const staticSelect = object(
  {},
  { ...actionId, ...focus, ...placeholder, ...selectFields, confirm, initial_option: option },
  choicesOfSelect,
);

const multiStaticSelect = object(
  {},
  {
    ...actionId,
    ...focus,
    ...placeholder,
    ...selectFields,
    confirm,
    initial_options: list(option, { max: 100 }),
    max_selected_items: integer({ min: 1, max: 100 }),
  },
  choicesOfSelect,
);

const radioButtons = object(
  { options: list(richOption, { max: 10 }) },
  { ...actionId, ...focus, confirm, initial_option: richOption },
  initialAmongOptions,
);

const checkboxes = object(
  { options: list(richOption, { max: 10 }) },
  { ...actionId, ...focus, confirm, initial_options: list(richOption, { max: 10 }) },
  initialAmongOptions,
);

const plainTextInput = object(
  {},
  {
    ...actionId,
    ...focus,
    ...placeholder,
    initial_value: text({ min: 0, max: 3000 }),
    multiline: boolean,
    min_length: integer({ max: 3000 }),
    max_length: integer({ min: 1, max: 3000 }),
    dispatch_action_config: object(
      {},
      { trigger_actions_on: list(oneOf("on_enter_pressed", "on_character_entered"), { max: 2 }) },
    ),
  },
);

export const imageElement = object({ alt_text: text({ max: 2000 }) }, imageFields, imageSource);

const choices = {
  static_select: staticSelect,
  multi_static_select: multiStaticSelect,
  radio_buttons: radioButtons,
  checkboxes,
};

export const actionsElement: Rule = byType("element of an actions block", { button, overflow, ...choices });

export const accessory: Rule = byType("accessory of a section", {
  button,
  overflow,
  image: imageElement,
  ...choices,
});

export const inputElement: Rule = byType("element of an input block", {
  plain_text_input: plainTextInput,
  ...choices,
});
