/** What a person puts into elements, turned into the values that Slack's payloads carry. */
import { type Element, elementsOf } from "./blocks/check.ts";
import { SlackRefusal } from "./refusal.ts";
import type { Block } from "./types.ts";

/** Slack's `view.state.values`: block_id to action_id to the element's value. */
export type Values = Record<string, Record<string, Record<string, unknown>>>;

/** As a test or the page gives them: text, the value of an option, or the values of several. */
export type SimpleValues = Record<string, Record<string, unknown>>;

interface Option {
  text: { text: string };
  value: string;
}

const STATEFUL = new Set([
  "plain_text_input",
  "static_select",
  "multi_static_select",
  "radio_buttons",
  "checkboxes",
]);

/** The values that the elements of these blocks start with; `before` wins where the element stayed. */
export function startingValues(blocks: Block[], before: Values = {}): Values {
  const values: Values = {};
  for (const { blockId, actionId, element } of statefulElements(blocks)) {
    const kept = before[blockId]?.[actionId];
    const value = kept?.type === element.type ? kept : startingValue(element);
    values[blockId] = { ...values[blockId], [actionId]: value };
  }
  return values;
}

/**
 * `values` with what the person put in. Refuses with `no_such_input` and `no_such_option` what the person
 * could not have put in with Slack's own client.
 */
export function withInput(blocks: Block[], values: Values, given: SimpleValues): Values {
  const next = structuredClone(values);
  const known = statefulElements(blocks);
  for (const [blockId, actions] of Object.entries(given)) {
    for (const [actionId, input] of Object.entries(actions)) {
      const found = known.find((entry) => entry.blockId === blockId && entry.actionId === actionId);
      if (!found) {
        const names = known.map((entry) => `${entry.blockId}.${entry.actionId}`).join(", ") || "none";
        throw new SlackRefusal("no_such_input", [`${blockId}.${actionId}; inputs here: ${names}`]);
      }
      next[blockId] = { ...next[blockId], [actionId]: enteredValue(found.element, input) };
    }
  }
  return next;
}

/** What Slack's client itself finds missing or too long before it sends a form: block_id to message. */
export function localProblems(blocks: Block[], values: Values): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const block of blocks) {
    if (block.type !== "input") continue;
    const element = block.element as unknown as Element;
    const blockId = block.block_id ?? "";
    const value = values[blockId]?.[element.action_id ?? ""] ?? {};
    const typed = typeof value.value === "string" ? value.value : "";
    const selected =
      (value.selected_options as unknown[] | undefined)?.length ?? (value.selected_option ? 1 : 0);
    const empty = element.type === "plain_text_input" ? typed.trim() === "" : selected === 0;
    const max = Number(element.max_length ?? 3000);
    const min = Number(element.min_length ?? 0);
    if (empty && !block.optional) problems[blockId] = "Please complete this required field.";
    else if (!empty && typed.length > max) problems[blockId] = `Must be at most ${max} characters.`;
    else if (!empty && element.type === "plain_text_input" && typed.length < min)
      problems[blockId] = `Must be at least ${min} characters.`;
  }
  return problems;
}

/** What an action of a payload says beside its ids: value, selected option(s), text. */
export function actionFields(element: Element, value?: string, selected?: unknown): Record<string, unknown> {
  if (element.type === "button") {
    const own = value ?? element.value;
    return { text: element.text, ...(own === undefined ? {} : { value: own }), ...pick(element, "style") };
  }
  if (element.type === "overflow") return { selected_option: optionOf(element, selected) };
  return { ...enteredValue(element, selected ?? value), ...pick(element, "placeholder") };
}

function statefulElements(blocks: Block[]): { blockId: string; actionId: string; element: Element }[] {
  return blocks.flatMap((block) =>
    elementsOf(block)
      .filter((element) => STATEFUL.has(element.type))
      .map((element) => ({ blockId: block.block_id ?? "", actionId: element.action_id ?? "", element })),
  );
}

function startingValue(element: Element): Record<string, unknown> {
  const { type } = element;
  if (type === "plain_text_input") return { type, value: element.initial_value ?? null };
  if (isMany(element)) return { type, selected_options: element.initial_options ?? [] };
  return { type, selected_option: element.initial_option ?? null };
}

function enteredValue(element: Element, input: unknown): Record<string, unknown> {
  const { type } = element;
  if (type === "plain_text_input") {
    const typed = input === null || input === undefined ? "" : String(input);
    return { type, value: typed === "" ? null : typed };
  }
  if (isMany(element)) {
    const several = Array.isArray(input) ? input : input === undefined || input === null ? [] : [input];
    return { type, selected_options: several.map((one) => optionOf(element, one)) };
  }
  const nothing = input === undefined || input === null || input === "";
  return { type, selected_option: nothing ? null : optionOf(element, input) };
}

function isMany(element: Element): boolean {
  return element.type === "multi_static_select" || element.type === "checkboxes";
}

function optionOf(element: Element, value: unknown): Option {
  const groups = (element.option_groups as { options: Option[] }[] | undefined) ?? [];
  const options = [
    ...((element.options as Option[] | undefined) ?? []),
    ...groups.flatMap((group) => group.options),
  ];
  const found = options.find((option) => option.value === value);
  if (found) return found;
  const known = options.map((option) => option.value).join(", ");
  throw new SlackRefusal("no_such_option", [`${String(value)}; options here: ${known}`]);
}

function pick(element: Element, field: string): Record<string, unknown> {
  return element[field] === undefined ? {} : { [field]: element[field] };
}
