import type { Json } from "../../journal/types.ts";

/** The value at `a.b.0.c` in a JSON document; undefined when there is none. Own keys only. */
export function atPath(document: Json, path: string): Json | undefined {
  let value: Json | undefined = document;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, Json>)[key];
  }
  return value;
}

/** The body as JSON; undefined when it is none. */
export function parseJson(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}

/** A value for a sentence: as JSON, short. */
export function showJson(value: Json | undefined): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
