const HIDDEN = "[redacted]";

/**
 * What looks like a secret even if nobody declared it: tokens with a known prefix, passwords in URLs and
 * in key=value pairs, private key blocks, bearer headers.
 */
const PATTERNS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{8,}/g, HIDDEN],
  [/\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|AKIA[0-9A-Z]{16})\b/g, HIDDEN],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, HIDDEN],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/?#@]+@/gi, `$1:${HIDDEN}@`],
  [/\b(authorization\s*[:=]\s*(?:bearer|basic)?\s*)[^\s"',;]+/gi, `$1${HIDDEN}`],
  [
    /\b([\w-]*(?:password|passwd|secret|token|api[-_]?key|access[-_]?key)["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s"',;&]+)/gi,
    `$1${HIDDEN}`,
  ],
];

/** Hides declared secret values and whatever looks like one. */
export type Redact = (text: string) => string;

/**
 * Builds the one redaction that everything passes before it is kept or shown.
 * Values under four characters are left alone: hiding them would blank ordinary words.
 */
export function createRedact(secrets: Iterable<string>): Redact {
  const values = [...new Set(secrets)]
    .filter((value) => value.length >= 4)
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let shown = text;
    for (const value of values) if (shown.includes(value)) shown = shown.replaceAll(value, HIDDEN);
    for (const [pattern, replacement] of PATTERNS) shown = shown.replace(pattern, replacement);
    return shown;
  };
}
