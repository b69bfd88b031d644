import { readFileSync } from "node:fs";
import { z } from "zod";
import { createRedact } from "../redact.ts";

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const DURATION = "a duration such as 500ms, 5s, 2m, 1h or 7d";

/** `500ms`, `5s`, `2m`, `1h`, `7d` as milliseconds. */
export const duration = z.string({ error: DURATION }).transform((text, context) => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) {
    context.addIssue({ code: "custom", message: DURATION });
    return z.NEVER;
  }
  return Number(match[1]) * UNITS[match[2]!]!;
});

/** A map with these settings and no others; a mistyped one is answered with the known ones. */
export function settings<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? known : `a map with ${known}`),
  });
}

const looksSecret = createRedact([]);

/** Whether a literal holds what should not stand in a file that ends up in git: a password, a token, a key. */
export function holdsSecret(text: string): boolean {
  return looksSecret(text) !== text;
}

const argument = z
  .string({ error: "a text; numbers in quotes" })
  .min(1, { error: "a text that is not empty" })
  .refine((text) => !holdsSecret(text), {
    error: "an argument without a secret; give secrets by environment: {NAME: {env: NAME}}",
  });

/** A command as an argument array. A string would need a shell, and Steward has none. */
const command = z
  .array(argument, { error: "a list of arguments such as [systemctl, restart, shop]" })
  .min(1, { error: "at least the program" });

/** A command whose arguments may be these placeholders, each a whole argument; none where none are named. */
export function commandWith(...placeholders: string[]) {
  const known = placeholders.map((name) => `{${name}}`);
  return command.superRefine((args, context) => {
    for (const [index, text] of args.entries()) {
      if (!/\{[a-z]+\}/.test(text) || known.includes(text)) continue;
      const message = known.length
        ? `${known.join(", ")}, each as a whole argument`
        : "an argument without placeholders: this command has none";
      context.addIssue({ code: "custom", path: [index], message });
    }
  });
}

const NAME = "a name of lower-case letters, digits, - and _, at most 40";

/** Names of services, environments, checks: what is safe in an id, a file name and a message. */
export const name = z.string({ error: NAME }).regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, { error: NAME });

/** A path of a file; some programs read quotes and line ends as their own syntax. */
export const path = z.string().regex(/^[^"\n]+$/, { error: "a path without quotes" });

const BYTES = "a size such as 500MB or 2GB";
const BYTE_UNITS: Record<string, number> = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** `500MB`, `2GB` as bytes. */
export const bytes = z.string({ error: BYTES }).transform((text, context) => {
  const match = /^(\d+(?:\.\d+)?) ?(KB|MB|GB|TB)$/.exec(text.trim());
  if (match) return Number(match[1]) * BYTE_UNITS[match[2]!]!;
  context.addIssue({ code: "custom", message: BYTES });
  return z.NEVER;
});

const CLOCK = "a time of day such as '09:30', in quotes";

/** `09:30` as minutes after midnight. */
export const clockTime = z.string({ error: CLOCK }).transform((text, context) => {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
  if (match) return Number(match[1]) * 60 + Number(match[2]);
  context.addIssue({ code: "custom", message: CLOCK });
  return z.NEVER;
});

const DATE = "a day such as 2026-12-24";

/** A day of the calendar, as `2026-12-24`. */
export const date = z.string({ error: DATE }).refine(isDay, { error: DATE });

function isDay(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  // February 31 would quietly be a day in March
  return at !== undefined && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

export const zone = z.string().refine(isZone, { error: "a time zone such as Europe/Berlin or UTC" });

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Collects secret values on the way through, so that they can be redacted everywhere. */
export interface SecretSource {
  environment: Record<string, string | undefined>;
  found: Set<string>;
}

/**
 * A value that may be secret: `{env: NAME}` or `{file: PATH}`, or a literal that holds no password.
 * Literal secrets are refused: a config file ends up in git.
 */
export function secretOr(literal: z.ZodType<string>, source: SecretSource, schemes: readonly string[] = []) {
  const reference = z.union([settings({ env: z.string() }), settings({ file: z.string() })]);
  const begins = schemes.map((scheme) => `${scheme}://`).join(" or ");
  const plain = begins
    ? `a URL that begins with ${begins} and holds no password`
    : "a value without a password";
  return z
    .union([literal, reference], { error: `{env: NAME}, {file: PATH}, or ${plain}` })
    .transform((value, context) => {
      if (typeof value === "string") return value;
      const text = "env" in value ? source.environment[value.env] : readFirstLine(value.file);
      const what = "env" in value ? `environment variable ${value.env}` : `file ${value.file}`;
      const refuse = (message: string) => {
        context.addIssue({ code: "custom", message });
        return z.NEVER;
      };
      if (text === undefined || text === "") {
        return refuse(
          "env" in value
            ? `the name of a variable that is set; ${what} is not`
            : `a path whose first line is the value; ${what} is missing, unreadable or empty`,
        );
      }
      for (const secret of secretParts(text)) source.found.add(secret);
      if (begins && !schemes.some((scheme) => text.toLowerCase().startsWith(`${scheme}://`)))
        return refuse(`a reference to a URL that begins with ${begins}; what ${what} holds does not`);
      return text;
    });
}

/** A URL with one of these schemes, by reference where it holds a password. */
export function secretUrl(source: SecretSource, ...schemes: string[]) {
  return secretOr(plainUrl(...schemes), source, schemes);
}

/** What a variable is called that holds a secret. */
const SECRET_NAME = /(?:password|passwd|secret|token|(?:api|access|private|secret)_?key)$/i;

/** The variables of a service's commands: literals, but for what its name or its looks tell to be secret. */
export function variables(source: SecretSource) {
  const one = secretOr(z.string(), source);
  return z
    .record(z.string(), z.unknown(), { error: "a map from variable to value" })
    .transform((input, context) => {
      const values: Record<string, string> = {};
      for (const [variable, given] of Object.entries(input)) {
        const parsed = one.safeParse(given);
        if (typeof given === "string" && given !== "" && (SECRET_NAME.test(variable) || holdsSecret(given))) {
          const message = "{env: NAME} or {file: PATH}: a secret does not belong in a config file";
          context.addIssue({ code: "custom", path: [variable], message });
        } else if (parsed.success) {
          values[variable] = parsed.data;
        } else {
          for (const { message } of parsed.error.issues)
            context.addIssue({ code: "custom", path: [variable], message });
        }
      }
      return values;
    });
}

/** A URL with one of the given schemes and no password in it. */
function plainUrl(...schemes: string[]) {
  const begins = schemes.map((scheme) => `${scheme}://`).join(" or ");
  return z.string().refine(
    (text) => {
      const scheme = /^([a-z][a-z0-9+.-]*):\/\/\S+$/i.exec(text)?.[1]?.toLowerCase();
      if (scheme === undefined || !schemes.includes(scheme) || holdsSecret(text)) return false;
      if (scheme.startsWith("http")) return URL.canParse(text) && new URL(text).password === "";
      // not by URL, which refuses the empty host of a unix socket's; a password may hold a slash by mistake
      return !/^[^:]+:\/\/[^?#@]*:[^?#@]*@/.test(text);
    },
    {
      error: `a URL that begins with ${begins} and holds no password; {env: NAME} or {file: PATH} for one that does`,
    },
  );
}

/** A URL's password is the secret in it; anything else is secret as a whole. */
function secretParts(text: string): string[] {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#:@]*:([^/?#]*)@/i.exec(text)?.[1];
  if (password !== undefined) return [password, decoded(password)];
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? [] : [text];
}

function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

function readFirstLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n")[0]?.trim();
  } catch {
    return undefined;
  }
}
