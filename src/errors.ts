/** What a person may do about an error, and what caused it. */
export interface ErrorDetails {
  hint?: string;
  cause?: unknown;
}

/**
 * An error that is meant to be read: it names the value and what is allowed, carries a stable code
 * (every code stands in docs/errors.md) and, where there is one, a hint that says what to do next.
 */
export class StewardError extends Error {
  override readonly name = "StewardError";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** An error as data, for the journal and for people: code, message, hint. Never a stack. */
export interface ErrorRecord {
  code: string;
  message: string;
  hint?: string;
}

/** Any thrown value as a record. What is not a StewardError gets the code `internal`. */
export function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof StewardError) {
    return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
  }
  return { code: "internal", message: error instanceof Error ? error.message : String(error) };
}

/** The choice that is nearest to what was typed, when it is near enough to be a typo; else undefined. */
export function nearest(typed: string, choices: readonly string[]): string | undefined {
  const text = typed.toLowerCase().slice(0, 64);
  const limit = Math.max(1, Math.floor(text.length / 3));
  let best: { choice: string; distance: number } | undefined;
  for (const choice of choices) {
    const distance = editDistance(text, choice.toLowerCase());
    if (distance <= limit && (!best || distance < best.distance)) best = { choice, distance };
  }
  return best?.choice;
}

/** Edits from one text to the other; two neighbours swapped are one (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, before[j - 2]! + 1);
      next.push(edits);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
