import { StewardError } from "../../errors.ts";

/** A command as typed, taken apart. Values are plain text and nothing is ever executed of them. */
export interface ParsedCommand {
  words: string[];
  /** `--plan` is `{plan: true}`, `--version 1.2` is `{version: "1.2"}` */
  options: Map<string, string | true>;
}

const LONGEST = 2_000;
const MOST_WORDS = 100;

/**
 * Takes a command apart: words, quotes, `--flag`, `--name value` and `--name=value`. `flags` are the options
 * without a value. Throws `bad_command` for text that is too long or quotes that do not close.
 */
export function parseCommand(typed: string, flags: readonly string[] = ["plan"]): ParsedCommand {
  const text = plainText(typed);
  if (text.length > LONGEST) {
    throw new StewardError(
      "bad_command",
      `That command has ${text.length} characters; at most ${LONGEST} are read`,
      { hint: "Shorten it. `/ops help` shows how commands look." },
    );
  }
  const tokens = tokenize(text);
  const words: string[] = [];
  const options = new Map<string, string | true>();
  for (let at = 0; at < tokens.length; at += 1) {
    const { text: token, quoted } = tokens[at]!;
    const match = quoted ? null : /^--([a-z][a-z0-9-]{0,39})(?:=(.*))?$/s.exec(token);
    if (!match) {
      words.push(token);
      continue;
    }
    const name = match[1]!;
    const next = tokens[at + 1];
    if (match[2] !== undefined) options.set(name, match[2]);
    else if (flags.includes(name) || !next || (!next.quoted && next.text.startsWith("--")))
      options.set(name, true);
    else {
      options.set(name, next.text);
      at += 1;
    }
  }
  if (words.length > MOST_WORDS)
    throw new StewardError(
      "bad_command",
      `That command has ${words.length} words; at most ${MOST_WORDS} are read`,
      { hint: "Shorten it, or put a longer text in quotes." },
    );
  return { words, options };
}

/** Slack's own escapes undone: `&amp;`, `<@U1|olga>` → `@olga`, `<#C1|ops>` → `#ops`, `<https://x|x>` → `https://x`. */
export function plainText(text: string): string {
  return text
    .replace(
      /<([@#!])([^<>|]*)(?:\|([^<>]*))?>/g,
      (_, kind: string, id: string, label?: string) =>
        `${kind === "#" ? "#" : "@"}${(label || id.replace(/^subteam\^/, "")).replace(/^[@#]/, "")}`,
    )
    .replace(/<((?:https?|mailto):[^<>|]*)(?:\|[^<>]*)?>/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .trim();
}

function tokenize(text: string): { text: string; quoted: boolean }[] {
  const tokens: { text: string; quoted: boolean }[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at += 1;
      continue;
    }
    const closing = CLOSING[text[at]!];
    if (closing) {
      const end = text.indexOf(closing, at + 1);
      if (end < 0)
        throw new StewardError(
          "bad_command",
          `A quote is opened and not closed: ${text.slice(at, at + 40)}`,
          { hint: `Close it with ${closing}, or leave it out.` },
        );
      tokens.push({ text: text.slice(at + 1, end), quoted: true });
      at = end + 1;
      continue;
    }
    const end = text.slice(at).search(/\s/);
    const stop = end < 0 ? text.length : at + end;
    tokens.push({ text: text.slice(at, stop), quoted: false });
    at = stop;
  }
  return tokens;
}

/** Phones type curly quotes by themselves. A quote inside a word, as in `don't`, is a letter. */
const CLOSING: Record<string, string> = { '"': '"', "'": "'", "“": "”", "„": "“", "«": "»" };
