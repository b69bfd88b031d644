import { readFileSync } from "node:fs";
import { z } from "zod";

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `5s`, `2m`, `1h`, `7d` as milliseconds. */
export const duration = z.string().transform((text, context) => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) {
    context.addIssue({ code: "custom", message: "a duration such as 500ms, 5s, 2m, 1h or 7d" });
    return z.NEVER;
  }
  return Number(match[1]) * UNITS[match[2]!]!;
});

/** A command as an argument array. A string would need a shell, and Steward has none. */
export const command = z
  .array(z.string().min(1), { error: "a list of arguments such as [systemctl, restart, shop]" })
  .min(1, { error: "at least the program" });

/** Names of services, environments, checks: what is safe in an id, a file name and a message. */
export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, { error: "lower-case letters, digits, - and _, at most 40" });

/** Collects secret values on the way through, so that they can be redacted everywhere. */
export interface SecretSource {
  environment: Record<string, string | undefined>;
  found: Set<string>;
}

/**
 * A value that may be secret: `{env: NAME}` or `{file: PATH}`, or a literal that holds no password.
 * Literal secrets are refused: a config file ends up in git.
 */
export function secretOr(literal: z.ZodType<string>, source: SecretSource) {
  const reference = z.union([z.strictObject({ env: z.string() }), z.strictObject({ file: z.string() })]);
  return z
    .union([literal, reference], { error: "{env: NAME}, {file: PATH}, or a value without a password" })
    .transform((value, context) => {
      if (typeof value === "string") return value;
      const text = "env" in value ? source.environment[value.env] : readFirstLine(value.file);
      if (text === undefined || text === "") {
        const what =
          "env" in value ? `environment variable ${value.env} is` : `file ${value.file} is missing or`;
        context.addIssue({ code: "custom", message: `a secret that exists: ${what} empty` });
        return z.NEVER;
      }
      for (const secret of secretParts(text)) source.found.add(secret);
      return text;
    });
}

/** A URL with one of the given schemes and no password in it. */
export function plainUrl(...schemes: string[]) {
  return z.string().refine(
    (text) => {
      const match = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#@]*)@)?/i.exec(text);
      return Boolean(match && schemes.includes(match[1]!.toLowerCase()) && !match[2]?.includes(":"));
    },
    {
      error: `a URL that begins with ${schemes.map((s) => `${s}://`).join(" or ")} and holds no password (use {env: NAME} for that)`,
    },
  );
}

/** A URL's password is the secret in it; anything else is secret as a whole. */
function secretParts(text: string): string[] {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*?:([^/?#@]*)@/i.exec(text)?.[1];
  if (password !== undefined) return [password, decodeURIComponent(password)];
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? [] : [text];
}

function readFirstLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n")[0]?.trim();
  } catch {
    return undefined;
  }
}
