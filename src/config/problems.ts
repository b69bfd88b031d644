import type { z } from "zod";
import { nearest } from "../errors.ts";

/** One thing wrong with the config: where, what stands there, what is allowed. */
export interface Problem {
  path: string;
  value: string;
  allowed: string;
}

/** Everything zod found, as problems in the file's own words. */
export function problemsOf(error: z.ZodError, input: unknown): Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, input, []));
}

export function formatProblem(problem: Problem): string {
  return `  ${problem.path || "(top)"}: ${problem.value}; allowed: ${problem.allowed}`;
}

function problemsOfIssue(issue: z.core.$ZodIssue, input: unknown, base: PropertyKey[]): Problem[] {
  const path = [...base, ...issue.path];
  const value = show(valueAt(input, path), path);
  const at = formatPath(path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: at ? `${at}.${key}` : key,
        value: "unknown setting",
        allowed: issue.message,
      }));
    case "invalid_union":
      return [{ path: at, value, allowed: plain(issue.message) }];
    case "invalid_value":
      return [{ path: at, value, allowed: suggest(valueAt(input, path), issue.values.map(String)) }];
    case "invalid_type":
      return [
        {
          path: at,
          value,
          allowed: issue.message.startsWith("Invalid input") ? withArticle(issue.expected) : issue.message,
        },
      ];
    case "too_small":
      return [
        {
          path: at,
          value,
          allowed: issue.message.startsWith("Too small") ? `at least ${issue.minimum}` : issue.message,
        },
      ];
    case "too_big":
      return [
        {
          path: at,
          value,
          allowed: issue.message.startsWith("Too big") ? `at most ${issue.maximum}` : issue.message,
        },
      ];
    default:
      return [{ path: at, value, allowed: plain(issue.message) }];
  }
}

function suggest(value: unknown, choices: string[]): string {
  const near = typeof value === "string" ? nearest(value, choices) : undefined;
  return `${choices.join(", ")}${near ? ` (did you mean ${near}?)` : ""}`;
}

function plain(message: string): string {
  return message.replace(/^Invalid input: /, "");
}

function withArticle(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index ? "." : ""}${String(part)}`))
    .join("");
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value && typeof value === "object" ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

/** The value as typed, short; hidden where it may be a secret. */
function show(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined) return "missing";
  const text = typeof value === "string" ? `'${value}'` : JSON.stringify(value);
  if (/password|secret|token|key$/i.test(String(path.at(-1))) || /:\/\/[^/?#@]*:[^/?#@]*@/.test(text))
    return "(not shown: may be a secret)";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
