/**
 * The publisher: brings what stands in Slack to what the journal says, posted once and then edited. One
 * replica publishes at a time, under a lease; the others stand by. No transaction is open during a call.
 */
import { setTimeout as pause } from "node:timers/promises";
import { dropLease, takeLease } from "../journal/leases.ts";
import { dueMessages } from "../journal/messages.ts";
import type { BotContext } from "./context.ts";
import { type DeliverContext, type DueRow, deliver } from "./publisher/deliver.ts";
import { createLimiter } from "./publisher/limiter.ts";
import { createLookup } from "./publisher/look.ts";

type PublishContext = Pick<
  BotContext,
  "journal" | "config" | "domain" | "clients" | "channels" | "log" | "redact"
>;

const LEASE = "publisher";
const TERM_MS = 5_000;
const RENEW_MS = 1_500;
const POLL_MS = 1_000;
/** Many wake-ups at once are one look: each reads all that is due, beside whoever waits for an acknowledgement. */
const SPACING_MS = 50;
const BATCH = 500;
/** Channels that are written to at once. */
const LANES = 8;

export function startPublisher(context: PublishContext): { stop(): Promise<void> } {
  const { journal, log } = context;
  const lease = createTenure(context);
  const lanes = new Map<string, Promise<void>>();
  // a newer revision is looked at anew: it may be one that people wait for
  const notBefore = new Map<number, { at: number; revision: number }>();
  const deliverContext: DeliverContext = {
    ...context,
    limiter: createLimiter(),
    lookup: createLookup(context.clients.reading, log),
    edits: new Map(),
    gone: new Set(),
    spent: new Set(),
    told: new Set(),
    mayStand: (row) => row.ts === null && row.createdAt < lease.since(),
  };
  const alarm = createAlarm();
  let stopped = false;

  const lane = async (rows: DueRow[]) => {
    for (const row of rows) {
      if (stopped || !lease.held()) return;
      const waitMs = await deliver(deliverContext, row);
      if (waitMs > 0) {
        notBefore.set(row.id, { at: Date.now() + waitMs, revision: row.revision });
        alarm.within(waitMs);
      } else notBefore.delete(row.id);
    }
  };
  const startLane = (key: string, rows: DueRow[]) => {
    const work = lane(rows)
      .catch((error: Error) => log.warn({ reason: error.message }, "messages wait: the journal is away"))
      .finally(() => {
        lanes.delete(key);
        alarm.within(0);
      });
    lanes.set(key, work);
  };
  const pass = async () => {
    if (!(await lease.hold())) return;
    const now = Date.now();
    const due = (await dueMessages(journal, BATCH)) as DueRow[];
    const waiting = due.filter((row) => {
      const wait = notBefore.get(row.id);
      return !wait || wait.at <= now || wait.revision !== row.revision;
    });
    for (const [key, rows] of Map.groupBy(waiting, laneOf)) {
      if (!lanes.has(key) && lanes.size < LANES) startLane(key, rows);
    }
    if (notBefore.size > BATCH) for (const [id, { at }] of notBefore) if (at < now) notBefore.delete(id);
  };
  const work = async () => {
    while (!stopped) {
      const begun = Date.now();
      await pass().catch((error: Error) =>
        log.warn({ reason: error.message }, "messages wait: the journal is away"),
      );
      await alarm.wait(POLL_MS);
      if (!stopped) await pause(Math.max(0, begun + SPACING_MS - Date.now()));
    }
  };
  const wake = () => alarm.within(0);
  journal.wake.on("messages", wake);
  const working = work();

  return {
    async stop() {
      stopped = true;
      journal.wake.off("messages", wake);
      alarm.within(0);
      await working;
      await Promise.all(lanes.values());
      await lease.drop();
    },
  };
}

/** Messages of one channel go one after the other; answers to one person wait for nobody else's. */
function laneOf(row: DueRow): string {
  return row.person ? `${row.channel} ${row.person}` : row.channel;
}

interface Tenure {
  /** Takes or renews the lease when it is time to. */
  hold(): Promise<boolean>;
  /** Whether the term that we know of is still running. */
  held(): boolean;
  /** When the present tenure began. */
  since(): Date;
  drop(): Promise<void>;
}

function createTenure({ journal, log }: PublishContext): Tenure {
  let until = 0;
  let token: number | undefined;
  let since = new Date(0);
  const held = () => Date.now() < until;
  return {
    held,
    since: () => since,
    async hold() {
      if (until - TERM_MS + RENEW_MS > Date.now()) return true;
      const asked = Date.now();
      const lease = await takeLease(journal, LEASE, journal.holder, TERM_MS);
      if (!lease) {
        token = undefined;
        until = 0;
        return false;
      }
      if (lease.token !== token) {
        token = lease.token;
        since = new Date(asked);
        log.info({ term: token }, "this replica publishes");
      }
      until = asked + TERM_MS;
      return true;
    },
    async drop() {
      if (token !== undefined) await dropLease(journal, LEASE, journal.holder).catch(() => {});
    },
  };
}

/** Sleeps till the earliest time that anybody asked for. */
function createAlarm() {
  let ring: (() => void) | undefined;
  let rung = false;
  let timer: NodeJS.Timeout | undefined;
  let at = Number.POSITIVE_INFINITY;
  const set = (ms: number) => {
    at = Date.now() + ms;
    clearTimeout(timer);
    timer = setTimeout(() => {
      at = Number.POSITIVE_INFINITY;
      rung = true;
      ring?.();
    }, ms);
  };
  return {
    within(ms: number) {
      if (Date.now() + ms < at) set(ms);
    },
    async wait(atMostMs: number) {
      if (Date.now() + atMostMs < at) set(atMostMs);
      if (!rung) {
        await new Promise<void>((resolve) => {
          ring = resolve;
        });
      }
      ring = undefined;
      rung = false;
    },
  };
}
