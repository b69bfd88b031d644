import { type Logger, pino } from "pino";
import type { Redact } from "./redact.ts";

export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

/**
 * One JSON line an entry on standard error, so that standard output stays free for what a person started.
 * Every line passes the redaction as a whole: a secret hides in nested errors as well as in messages.
 */
export function createLog(level: string, redact: Redact): Log {
  return pino({ level, base: null }, { write: (line: string) => void process.stderr.write(redact(line)) });
}

/** For tests and for what must run before a log can be set up. */
export const silentLog: Log = pino({ level: "silent" });
