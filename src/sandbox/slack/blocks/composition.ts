/** Texts, options, confirm dialogs: the parts that blocks and elements are made of. */
import { boolean, byType, isObject, list, object, oneOf, type Rule, say, text, url } from "./rules.ts";

export const id = text({ max: 255 });

export function plainText(max: number): Rule {
  return byType("text object", { plain_text: object({ text: text({ max }) }, { emoji: boolean }) });
}

export function anyText(max: number): Rule {
  return byType("text object", {
    plain_text: object({ text: text({ max }) }, { emoji: boolean }),
    mrkdwn: object({ text: text({ max }) }, { verbatim: boolean }),
  });
}

export const confirm = object(
  { text: anyText(300) },
  { title: plainText(100), confirm: plainText(30), deny: plainText(30), style: oneOf("primary", "danger") },
);

/** An option of a select, in plain text. */
export const option = object(
  { text: plainText(75), value: text({ max: 75 }) },
  { description: plainText(75) },
);

/** An option of radio buttons and checkboxes, which may be mrkdwn. */
export const richOption = object(
  { text: anyText(75), value: text({ max: 75 }) },
  { description: anyText(75) },
);

export const overflowOption = object(
  { text: plainText(75), value: text({ max: 75 }) },
  { description: plainText(75), url: url(3000) },
);

/** `options` or `option_groups`, exactly one of them, and what is chosen at first is among them. */
export const choicesOfSelect: Rule = (value, at, problems) => {
  if (!isObject(value)) return;
  if ((value.options === undefined) === (value.option_groups === undefined))
    problems.push(say("must define either `options` or `option_groups`", at));
  else initialAmongOptions(value, at, problems);
};

export const initialAmongOptions: Rule = (value, at, problems) => {
  if (!isObject(value)) return;
  const known = optionValues(value);
  const initial = [value.initial_option, ...((value.initial_options as unknown[] | undefined) ?? [])];
  for (const chosen of initial) {
    if (isObject(chosen) && !known.has(String(chosen.value)))
      problems.push(say("initial option must exactly match one of the provided options", at));
  }
};

export const selectFields = {
  options: list(option, { max: 100 }),
  option_groups: list(object({ label: plainText(75), options: list(option, { max: 100 }) }), { max: 100 }),
};

export const imageSource: Rule = (value, at, problems) => {
  if (!isObject(value)) return;
  if ((value.image_url === undefined) === (value.slack_file === undefined))
    problems.push(say("must define either `image_url` or `slack_file`", at));
};

export const imageFields = {
  image_url: url(3000),
  slack_file: object({}, { id: text({ max: 255 }), url: url(3000) }),
};

function optionValues(element: Record<string, unknown>): Set<string> {
  const groups = (element.option_groups as { options: { value: string }[] }[] | undefined) ?? [];
  const flat = (element.options as { value: string }[] | undefined) ?? [];
  return new Set([...flat, ...groups.flatMap((group) => group.options)].map((entry) => entry.value));
}
