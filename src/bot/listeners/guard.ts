import type { Log } from "../../log.ts";

/** Counts handlers that are at work, so that a stop can wait for them. */
export interface InFlight {
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when none is at work, or after `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

export function createInFlight(): InFlight {
  let count = 0;
  const waiting = new Set<() => void>();
  return {
    async run(work) {
      count += 1;
      try {
        return await work();
      } finally {
        count -= 1;
        if (count === 0) for (const idle of waiting) idle();
      }
    },
    async drain(graceMs) {
      if (count === 0) return;
      await new Promise<void>((resolve) => {
        const idle = () => {
          clearTimeout(timer);
          waiting.delete(idle);
          resolve();
        };
        const timer = setTimeout(idle, graceMs);
        waiting.add(idle);
      });
    },
  };
}

/**
 * The one wrapper around every listener: an error is logged, and the person is told by `tell`, never
 * swallowed.
 */
export async function guarded(
  { inFlight, log }: { inFlight: InFlight; log: Log },
  what: string,
  work: () => Promise<void>,
  tell: (text: string) => Promise<unknown>,
): Promise<void> {
  await inFlight.run(async () => {
    try {
      await work();
    } catch (error) {
      log.error({ err: error, listener: what }, "a listener failed");
      await tell(wordsFor(error)).catch((late: Error) =>
        log.warn({ reason: late.message, listener: what }, "the person could not be told"),
      );
    }
  });
}

/** A listener's failure as one plain line. */
export function wordsFor(error: unknown): string {
  if (error instanceof NotWritten) return error.message;
  return "Something went wrong inside Steward. It is logged; please try again.";
}

/** The intent is not, or not known to be, in the journal. */
export class NotWritten extends Error {}
