/** Faults that a test orders: the next calls of a method fail in the way it says. */

export interface Fault {
  /** HTTP status; 429 carries Retry-After; 0 cuts the connection without a reply */
  status?: number;
  /** Slack's error code in the answer's body */
  error?: string;
  /** let the method do its work first, then fail: an ambiguous reply */
  afterCommit?: boolean;
  retryAfterSeconds?: number;
  /** how many calls in a row, default 1 */
  times?: number;
}

export class Faults {
  #ordered = new Map<string, { fault: Fault; left: number }[]>();

  /** `method` is a method's name, `response_url`, or `*` for any. */
  order(method: string, fault: Fault): void {
    const waiting = this.#ordered.get(method) ?? [];
    waiting.push({ fault, left: fault.times ?? 1 });
    this.#ordered.set(method, waiting);
  }

  /** The fault for this call, used up once. */
  take(method: string): Fault | undefined {
    const waiting = this.#ordered.get(method) ?? [];
    const first = waiting[0];
    if (!first) return method === "*" ? undefined : this.take("*");
    first.left -= 1;
    if (first.left <= 0) waiting.shift();
    return first.fault;
  }
}
