/** One method of Slack's Web API: data plus one function. */
import type { House } from "../house.ts";
import { SlackRefusal } from "../refusal.ts";

export type Args = Record<string, unknown>;

export interface Method {
  name: string;
  /** which token may call it; `none` is open to all */
  token: "bot" | "app" | "none";
  /** the scope it needs, where it needs one */
  scope?: string;
  /** the answer beside `ok: true`; refuses with SlackRefusal */
  run(args: Args, house: House): Record<string, unknown> | Promise<Record<string, unknown>>;
}

/** A required text argument; refuses with `invalid_arguments`. */
export function required(args: Args, name: string): string {
  const value = optional(args, name);
  if (value === undefined)
    throw new SlackRefusal("invalid_arguments", [`missing required field: ${name} [json-pointer:/${name}]`]);
  return value;
}

export function optional(args: Args, name: string): string | undefined {
  const value = args[name];
  return value === undefined || value === null || value === "" ? undefined : String(value);
}

export function flag(args: Args, name: string): boolean {
  return args[name] === true || args[name] === "true" || args[name] === "1" || args[name] === 1;
}

/** One page of `items` by `limit` and `cursor`, and the cursor of the next ("" at the end). */
export function page<T>(items: T[], args: Args, defaultLimit: number): { items: T[]; nextCursor: string } {
  const asked = Number(optional(args, "limit") ?? defaultLimit);
  if (!Number.isInteger(asked) || asked < 0) throw new SlackRefusal("invalid_limit");
  const limit = Math.min(asked === 0 ? defaultLimit : asked, 1000);
  const cursor = optional(args, "cursor");
  const start = cursor ? Number(Buffer.from(cursor, "base64url").toString().replace("offset:", "")) : 0;
  if (!Number.isInteger(start)) throw new SlackRefusal("invalid_cursor");
  const end = start + limit;
  const nextCursor = end < items.length ? Buffer.from(`offset:${end}`).toString("base64url") : "";
  return { items: items.slice(start, end), nextCursor };
}
