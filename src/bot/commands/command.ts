import type { Role } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import type { Db } from "../../journal/database.ts";
import type { Actor, Json } from "../../journal/types.ts";
import type { BotContext } from "../context.ts";
import type { ParsedCommand } from "./parse.ts";

/** One command's request, with who asked and where, and the way to answer. */
export interface CommandRequest extends ParsedCommand {
  intentId: number;
  actor: Actor;
  channel: string;
  /** Answers this person alone. */
  reply(kind: string, data: { [key: string]: Json }): Promise<void>;
}

/** `words` begin after the command's own name. */
export interface Command {
  name: string;
  /** as help shows it, such as `runs` or `run ID` */
  usage: string[];
  help: string;
  /** one of these is needed; null: everybody of the workspace may, guests too */
  roles: readonly Role[] | null;
  /** options that it takes; others are refused */
  options?: readonly string[];
  run(context: Pick<BotContext, "config" | "domain">, tx: Db, request: CommandRequest): Promise<void>;
}

/** A row's id as typed: `12` or `#12`. */
export function idArgument(typed: string | undefined, what: string, usage: string): number {
  const match = /^#?(\d{1,15})$/.exec(typed ?? "");
  if (match) return Number(match[1]);
  throw badArgument(typed, `the number of ${what}`, usage);
}

export function badArgument(typed: string | undefined, allowed: string, usage: string): StewardError {
  const what =
    typed === undefined
      ? "Something is missing"
      : `'${typed.slice(0, 60)}${typed.length > 60 ? "…" : ""}' cannot be used`;
  return new StewardError("bad_argument", `${what}; allowed: ${allowed}`, { hint: `/ops ${usage}` });
}

/** Refuses words beyond those that the command reads: what is not understood is not ignored. */
export function noMoreWords(words: string[], most: number, usage: string): void {
  if (words.length > most)
    throw badArgument(
      words[most],
      most === 0 ? "nothing more here" : `${most} ${most === 1 ? "word" : "words"} at most`,
      usage,
    );
}
