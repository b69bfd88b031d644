/** What is sent, by the limit that it falls under. */
export type Kind = "post" | "update" | "answer" | "ephemeral" | "upload" | "look";

export interface Limiter {
  /** 0 and takes the permit, or how many milliseconds to wait for it. */
  take(kind: Kind, channel: string, nowMs: number): number;
  /** Slack said to wait: so does everything of this kind, and of this channel where the limit is the channel's. */
  pause(kind: Kind, channel: string, forMs: number, nowMs: number): void;
}

/**
 * Slack's published rates with a little to spare, as rate a second and burst; posts count by channel, the
 * others by app. An hour of outage may wait in line: what counts is that no call is refused for long.
 */
const RULES: Record<Kind, { perSecond: number; burst: number; byChannel: boolean }> = {
  post: { perSecond: 1, burst: 3, byChannel: true },
  update: { perSecond: 45 / 60, burst: 8, byChannel: false },
  // by a response_url, for which Slack publishes no rate: ours only keeps a flood from it
  answer: { perSecond: 100, burst: 100, byChannel: false },
  ephemeral: { perSecond: 90 / 60, burst: 10, byChannel: false },
  upload: { perSecond: 90 / 60, burst: 5, byChannel: false },
  look: { perSecond: 45 / 60, burst: 5, byChannel: false },
};
const MOST_BUCKETS = 5_000;

/** One limiter counts for everything that this process sends: a token bucket for each limit. */
export function createLimiter(): Limiter {
  const buckets = new Map<string, { tokens: number; at: number; pausedUntil: number }>();
  const bucketOf = (kind: Kind, channel: string, nowMs: number) => {
    const { perSecond, burst, byChannel } = RULES[kind];
    const key = byChannel ? `${kind} ${channel}` : kind;
    if (!buckets.has(key) && buckets.size >= MOST_BUCKETS) forgetIdle(buckets, nowMs);
    const bucket = buckets.get(key) ?? { tokens: burst, at: nowMs, pausedUntil: 0 };
    buckets.set(key, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.at) / 1_000) * perSecond);
    bucket.at = nowMs;
    return bucket;
  };
  return {
    take(kind, channel, nowMs) {
      const bucket = bucketOf(kind, channel, nowMs);
      if (bucket.pausedUntil > nowMs) return bucket.pausedUntil - nowMs;
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / RULES[kind].perSecond) * 1_000);
      bucket.tokens -= 1;
      return 0;
    },
    pause(kind, channel, forMs, nowMs) {
      const bucket = bucketOf(kind, channel, nowMs);
      bucket.pausedUntil = Math.max(bucket.pausedUntil, nowMs + forMs);
      bucket.tokens = Math.min(bucket.tokens, 1);
    },
  };
}

function forgetIdle(buckets: Map<string, { at: number; pausedUntil: number }>, nowMs: number): void {
  for (const [key, bucket] of buckets)
    if (nowMs - bucket.at > 60_000 && bucket.pausedUntil < nowMs) buckets.delete(key);
}
