/** Which blocks a message and a modal may hold, each with its required fields and Slack's limits. */
import { anyText, id, imageFields, imageSource, plainText } from "./composition.ts";
import { accessory, actionsElement, imageElement, inputElement } from "./elements.ts";
import { richText } from "./rich-text.ts";
import {
  boolean,
  byType,
  isObject,
  list,
  number,
  object,
  oneOf,
  type Rule,
  say,
  text,
  url,
} from "./rules.ts";

const blockId = { block_id: id };

const textOrFields: Rule = (value, at, problems) => {
  if (isObject(value) && !value.text && !value.fields)
    problems.push(say("must define either `fields` or `text`", at));
};

const taskCard = object(
  {
    task_id: text({ max: 255 }),
    title: text({ max: 3000 }),
    status: oneOf("pending", "in_progress", "complete", "error"),
  },
  {
    ...blockId,
    details: richText,
    output: richText,
    sources: list(byType("source", { url: object({ url: url(3000), text: text({ max: 3000 }) }) }), {
      max: 100,
    }),
  },
);

const cell: Rule = byType("table cell", {
  rich_text: richText,
  raw_text: object({ text: text({ max: 10_000 }) }),
  raw_number: object({ value: number, text: text({ max: 10_000 }) }),
});

const columnSettings: Rule = (value, at, problems) => {
  // a null keeps the column's default
  if (value !== null)
    object({}, { align: oneOf("left", "center", "right"), is_wrapped: boolean })(value, at, problems);
};

const both: Record<string, Rule> = {
  section: object(
    {},
    {
      ...blockId,
      text: anyText(3000),
      fields: list(anyText(2000), { max: 10 }),
      accessory,
      expand: boolean,
    },
    textOrFields,
  ),
  context: object(
    {
      elements: list(
        (value, at, problems) => {
          const rule = isObject(value) && value.type === "image" ? imageElement : anyText(3000);
          rule(value, at, problems);
        },
        { max: 10 },
      ),
    },
    blockId,
  ),
  actions: object({ elements: list(actionsElement, { max: 25 }) }, blockId),
  header: object({ text: plainText(150) }, blockId),
  divider: object({}, blockId),
  image: object(
    { alt_text: text({ max: 2000 }) },
    { ...blockId, ...imageFields, title: plainText(2000) },
    imageSource,
  ),
  rich_text: richText,
  input: object(
    { label: plainText(2000), element: inputElement },
    { ...blockId, hint: plainText(2000), optional: boolean, dispatch_action: boolean },
  ),
};

export const messageBlock: Rule = byType("block of a message", {
  ...both,
  markdown: object({ text: text({ max: 12_000 }) }, blockId),
  table: object(
    { rows: list(list(cell, { max: 20 }), { max: 100 }) },
    { ...blockId, column_settings: list(columnSettings, { min: 0, max: 20 }) },
  ),
  task_card: taskCard,
  plan: object(
    { title: text({ max: 3000 }) },
    { ...blockId, tasks: list(byType("task of a plan", { task_card: taskCard }), { min: 0, max: 100 }) },
  ),
});

export const modalBlock: Rule = byType("block of a modal", both);
