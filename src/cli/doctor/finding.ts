import { errorRecord } from "../../errors.ts";

/** One thing that was looked at. `advice` says what to do; null where nothing is to be done. */
export interface Finding {
  check: string;
  state: "ok" | "warning" | "problem";
  found: string;
  advice: string | null;
}

export function ok(check: string, found: string): Finding {
  return { check, state: "ok", found, advice: null };
}

export function warning(check: string, found: string, advice: string): Finding {
  return { check, state: "warning", found, advice };
}

export function problem(check: string, found: string, advice: string): Finding {
  return { check, state: "problem", found, advice };
}

/** An error as a finding: its own hint is the advice. */
export function problemOf(
  check: string,
  error: unknown,
  advice = "See the message; docs/errors.md has more.",
): Finding {
  const { message, hint } = errorRecord(error);
  return problem(check, message, hint ?? advice);
}

/** The findings of `look`; whatever it throws is a finding, too. */
export async function guarded(check: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [problemOf(check, error)];
  }
}
