/**
 * Small rules from which the shapes of Block Kit are put together. A rule looks at one value and adds what
 * is wrong with it, in Slack's words and with Slack's JSON pointers, to `problems`.
 */
export type Rule = (value: unknown, at: string, problems: string[]) => void;

export interface Size {
  min?: number;
  max: number;
}

export function text({ min = 1, max }: Size): Rule {
  return (value, at, problems) => {
    if (typeof value !== "string") problems.push(say("must be a string", at));
    else if (value.length > max) problems.push(say(`must be less than ${max + 1} characters`, at));
    else if (value.length < min) problems.push(say(`must be more than ${min - 1} characters`, at));
  };
}

export function integer({ min = 0, max }: Size): Rule {
  return (value, at, problems) => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
      problems.push(say(`must be an integer from ${min} to ${max}`, at));
  };
}

export const number: Rule = (value, at, problems) => {
  if (typeof value !== "number" || !Number.isFinite(value)) problems.push(say("must be a number", at));
};

export const boolean: Rule = (value, at, problems) => {
  if (typeof value !== "boolean") problems.push(say("must be a boolean", at));
};

export function oneOf(...allowed: (string | number)[]): Rule {
  return (value, at, problems) => {
    if (!allowed.includes(value as string)) problems.push(say(`must be one of: ${allowed.join(", ")}`, at));
  };
}

export function url(max: number): Rule {
  const length = text({ max });
  return (value, at, problems) => {
    length(value, at, problems);
    if (typeof value === "string" && !/^(https?|mailto|slack):/i.test(value))
      problems.push(say("must be a valid url", at));
  };
}

export function list(item: Rule, { min = 1, max }: Size): Rule {
  return (value, at, problems) => {
    if (!Array.isArray(value)) return void problems.push(say("must be an array", at));
    if (value.length > max) problems.push(say(`no more than ${max} items allowed`, at));
    if (value.length < min) problems.push(say(`must contain at least ${min} items`, at));
    for (const [index, entry] of value.entries()) item(entry, `${at}/${index}`, problems);
  };
}

/** An object with these fields and no others; `also` sees the whole once its fields are right. */
export function object(
  required: Record<string, Rule>,
  optional: Record<string, Rule> = {},
  also?: Rule,
): Rule {
  return (value, at, problems) => {
    if (!isObject(value)) return void problems.push(say("must be an object", at));
    const before = problems.length;
    for (const [name, rule] of Object.entries(required)) {
      if (value[name] === undefined || value[name] === null)
        problems.push(say(`missing required field: ${name}`, at));
      else rule(value[name], `${at}/${name}`, problems);
    }
    for (const [name, rule] of Object.entries(optional)) {
      if (value[name] !== undefined && value[name] !== null) rule(value[name], `${at}/${name}`, problems);
    }
    for (const name of Object.keys(value)) {
      if (name !== "type" && !Object.hasOwn(required, name) && !Object.hasOwn(optional, name))
        problems.push(say(`invalid additional property: ${name}`, at));
    }
    if (problems.length === before) also?.(value, at, problems);
  };
}

/** One of several shapes, chosen by `type`; another type is refused. */
export function byType(what: string, shapes: Record<string, Rule>): Rule {
  return (value, at, problems) => {
    if (!isObject(value)) return void problems.push(say("must be an object", at));
    const type = value.type;
    if (type === undefined) return void problems.push(say("missing required field: type", at));
    const shape = typeof type === "string" && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
    if (!shape) return void problems.push(say(`unsupported type: ${String(type)} (${what})`, at));
    shape(value, at, problems);
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function say(problem: string, at: string): string {
  return `${problem} [json-pointer:${at}]`;
}
