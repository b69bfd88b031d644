import type { z } from "zod";
import { nearest } from "../errors.ts";
import { createRedact } from "../redact.ts";

/** One thing wrong with the config: where, what stands there, what is allowed. */
export interface Problem {
  path: string;
  value: string;
  allowed: string;
}

/** Everything zod found, as problems in the file's own words. */
export function problemsOf(error: z.ZodError, input: unknown): Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, input));
}

export function formatProblem(problem: Problem): string {
  return `  ${problem.path || "(top)"}: ${problem.value}; allowed: ${problem.allowed}`;
}

const redact = createRedact([]);

/** What may be meant is in the schema's own messages; zod's stock ones are put into plain words here. */
function problemsOfIssue(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const { path } = issue;
  const typed = valueAt(input, path);
  const at = formatPath(path);
  const problem = (allowed: string): Problem[] => [{ path: at, value: show(typed, path), allowed }];
  const own = isStock(issue.message) ? undefined : issue.message;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: at ? `${at}.${key}` : key,
        value: "unknown setting",
        allowed: suggest(key, own?.split(", ") ?? []),
      }));
    case "invalid_key": {
      const key = String(path.at(-1)).split("__").at(-1)!;
      return [{ path: at, value: show(key, path), allowed: issue.issues[0]?.message ?? "another name" }];
    }
    case "invalid_union":
      // a mistyped choice, such as a check's type; else the union's own words
      return problem(
        issue.discriminator && own ? suggest(typed, own.split(", ")) : (own ?? "another kind of value"),
      );
    case "invalid_value":
      return problem(own ?? suggest(typed, issue.values.map(String)));
    case "invalid_type":
      return problem(own ?? KINDS[issue.expected] ?? `a ${issue.expected}`);
    case "too_small":
      return problem(own ?? `at least ${issue.minimum}`);
    case "too_big":
      return problem(own ?? `at most ${issue.maximum}`);
    default:
      return problem(own ?? issue.message);
  }
}

const KINDS: Record<string, string> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function isStock(message: string): boolean {
  return /^(Invalid|Unrecognized|Too (small|big)|Expected)\b/.test(message);
}

function suggest(value: unknown, choices: string[]): string {
  const near = typeof value === "string" ? nearest(value, choices) : undefined;
  return `${choices.join(", ")}${near ? ` (did you mean ${near}?)` : ""}`;
}

/** `services.shop.checks[0]`; a service of an environment is called by its id, `services.shop@staging`. */
function formatPath(path: readonly PropertyKey[]): string {
  const words = path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`;
    const name = path[0] === "services" && index === 1 ? String(part).replace("__", "@") : String(part);
    return index ? `.${name}` : name;
  });
  return words.join("");
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value && typeof value === "object" ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

/** The value as typed, short; hidden where it may be a secret. Of maps and lists only the outline. */
function show(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return value.length ? `a list of ${value.length}` : "an empty list";
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value);
    return keys.length ? redact(`a map with ${keys.slice(0, 5).join(", ")}`) : "an empty map";
  }
  const text = typeof value === "string" ? `'${value}'` : String(value);
  const named = /password|passwd|secret|token|key$/i.test(String(path.at(-1)));
  if (typeof value === "string" && (named || redact(text) !== text || /:\/\/.*@/.test(text)))
    return "(not shown: may be a secret)";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
