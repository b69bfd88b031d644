import { transaction } from "../../journal/database.ts";
import { markFailed, markShown, say } from "../../journal/messages.ts";
import type { MessageRow } from "../../journal/types.ts";
import type { BotContext } from "../context.ts";
import { type Drawn, draw } from "./draw.ts";
import { type Failure, failureOf } from "./errors.ts";
import type { Kind, Limiter } from "./limiter.ts";
import type { Lookup } from "./look.ts";
import { type Place, post, respond, update, upload, whisper } from "./send.ts";

export type DueRow = MessageRow & { threadTs: string | null };

export interface DeliverContext
  extends Pick<BotContext, "journal" | "config" | "domain" | "clients" | "channels" | "log" | "redact"> {
  limiter: Limiter;
  lookup: Lookup;
  /** when this row was edited last, and what it showed then */
  edits: Map<number, { at: number; drawn: string }>;
  /** messages that a person deleted: to be posted anew */
  gone: Set<number>;
  /** answers whose response_url is no good any more: to be sent as ephemeral messages of our own */
  spent: Set<number>;
  /** channels that people were told about */
  told: Set<string>;
  /** asked for before this replica began to publish: another one may have posted it and died */
  mayStand(row: MessageRow): boolean;
}

/** Between two edits of one message that nobody waits for. */
const SPACING_MS = 2_000;
const MOST_EDITS_KEPT = 5_000;
const LONGEST_RETRY_MS = 30_000;

/** Brings one message to its newest state. Returns in how many milliseconds to come back to it; 0: it is done. */
export async function deliver(context: DeliverContext, row: DueRow): Promise<number> {
  const { journal } = context;
  const channel = context.channels.idOf(row.channel);
  if (!channel) return await giveUp(context, row, "channel_not_found");
  const drawn = await draw(context, row);
  if (!drawn) return await giveUp(context, row, "no_subject");
  const place: Place = { channel, threadTs: row.threadTs };
  const kind = kindOf(context, row, drawn);
  try {
    if (kind === "post" && (row.failures > 0 || context.mayStand(row))) {
      const settled = await lookBefore(context, row, place);
      if (settled !== undefined) return settled;
    }
    if (kind === "update") {
      const wait = await beforeEdit(context, row, drawn);
      if (wait !== undefined) return wait;
    }
    const wait = context.limiter.take(kind, channel, Date.now());
    if (wait > 0) return wait;
    const ts = await send(context, kind, row, place, drawn);
    if (ts === "spent") {
      context.spent.add(row.id);
      return 1;
    }
    remember(context, row, drawn);
    await markShown(journal, row.id, { revision: row.revision, ts });
    return 0;
  } catch (error) {
    return await afterFailure(context, row, place, kind, failureOf(error), error);
  }
}

function kindOf({ gone, spent }: DeliverContext, row: MessageRow, drawn: Drawn): Kind {
  if ("file" in drawn) return "upload";
  if (row.person) return row.responseUrl && !spent.has(row.id) ? "answer" : "ephemeral";
  return row.ts && !gone.has(row.id) ? "update" : "post";
}

async function send(
  { clients }: DeliverContext,
  kind: Kind,
  row: DueRow,
  place: Place,
  drawn: Drawn,
): Promise<string | null | "spent"> {
  const client = clients.publishing;
  if ("file" in drawn) {
    await upload(client, place, drawn.file);
    return null;
  }
  if (kind === "answer") return (await respond(row.responseUrl!, drawn.presented)) ? null : "spent";
  if (kind === "ephemeral") {
    await whisper(client, row, place, drawn.presented);
    return null;
  }
  if (kind === "post") return await post(client, row, place, drawn.presented);
  await update(client, place, row.ts!, drawn.presented);
  return row.ts;
}

/** Undefined: go on and post. */
async function lookBefore(context: DeliverContext, row: DueRow, place: Place): Promise<number | undefined> {
  const wait = context.limiter.take("look", place.channel, Date.now());
  if (wait > 0) return wait;
  const found = await context.lookup.find(row, place.channel, place.threadTs);
  if (found === "absent") return undefined;
  if (found === "cannot") {
    // a doubled incident or approval is better than a lost one; anything else is better lost than doubled
    if (row.subjectKind !== "notice" || row.failures === 0) return undefined;
    context.log.warn({ message: row.id }, "a post got no answer and cannot be looked up: taken for posted");
    await markShown(context.journal, row.id, { revision: row.revision, ts: null });
    return 0;
  }
  // what stands there may show an older state: a notice never changes, the others are edited next
  await markShown(context.journal, row.id, {
    revision: row.subjectKind === "notice" ? row.revision : 0,
    ts: found.ts,
  });
  return 0;
}

/** Undefined: go on and edit. */
async function beforeEdit(context: DeliverContext, row: DueRow, drawn: Drawn): Promise<number | undefined> {
  const last = context.edits.get(row.id);
  if (!last || !("presented" in drawn)) return undefined;
  if (last.drawn === JSON.stringify(drawn.presented)) {
    await markShown(context.journal, row.id, { revision: row.revision, ts: row.ts });
    return 0;
  }
  const wait = drawn.atOnce ? 0 : last.at + SPACING_MS - Date.now();
  return wait > 0 ? wait : undefined;
}

function remember({ edits, gone, spent }: DeliverContext, row: DueRow, drawn: Drawn): void {
  gone.delete(row.id);
  spent.delete(row.id);
  if (!("presented" in drawn) || row.person) return;
  if (edits.size >= MOST_EDITS_KEPT) edits.clear();
  // the first edit after the post comes at once
  edits.set(row.id, { at: row.ts ? Date.now() : 0, drawn: JSON.stringify(drawn.presented) });
}

async function afterFailure(
  context: DeliverContext,
  row: DueRow,
  place: Place,
  kind: Kind,
  failure: Failure,
  error: unknown,
): Promise<number> {
  const { journal, limiter, log, channels } = context;
  const reason = (error as Error).message;
  switch (failure.kind) {
    case "limited":
      limiter.pause(kind, place.channel, failure.waitMs, Date.now());
      return failure.waitMs;
    case "gone":
      context.gone.add(row.id);
      context.edits.delete(row.id);
      return 1;
    case "outside":
      if (row.failures === 0 && !row.person && (await channels.join(place.channel).catch(() => false))) {
        await markFailed(journal, row.id, { code: failure.code, message: reason }, 0, false);
        return 1;
      }
      return await giveUp(context, row, failure.code);
    case "final":
    case "refused":
      return await giveUp(context, row, failure.code);
    default: {
      // nobody waits half an hour for an answer meant for them alone
      if (row.person && row.failures >= 5) return await giveUp(context, row, failure.code);
      const retryMs =
        failure.kind === "ours" ? LONGEST_RETRY_MS : Math.min(500 * 2 ** row.failures, LONGEST_RETRY_MS);
      log.warn(
        { message: row.id, channel: row.channel, code: failure.code, reason, retryMs },
        "a message waits",
      );
      await markFailed(journal, row.id, { code: failure.code, message: reason }, retryMs, false);
      return retryMs;
    }
  }
}

/** Ends a message that will never stand, and says so where somebody reads it, once a channel. */
async function giveUp(context: DeliverContext, row: DueRow, code: string): Promise<number> {
  const { journal, config, channels, log, told } = context;
  context.spent.delete(row.id);
  log.error(
    { message: row.id, subject: `${row.subjectKind} ${row.subjectId}`, channel: row.channel, code },
    "a message could not be posted",
  );
  const home = channels.idOf(config.slack.channel);
  const tell = !row.person && channels.idOf(row.channel) !== home && !told.has(row.channel);
  await transaction(journal, async (tx) => {
    await markFailed(tx, row.id, { code, message: `Slack refused it: ${code}` }, 0, true);
    if (!tell) return;
    const text = `A message for ${nameOf(row.channel)} could not be posted (${code}). ${ADVICE[code] ?? "Check that channel in steward.yml."}`;
    await say(tx, "note", { mark: "warning", text }, { channel: config.slack.channel });
  });
  if (tell) told.add(row.channel);
  return 0;
}

const ADVICE: Record<string, string> = {
  channel_not_found:
    "Create it, or correct its name in steward.yml; in a private channel type /invite @Steward.",
  not_in_channel: "Type /invite @Steward there.",
  is_archived: "Unarchive it, or name another in steward.yml.",
};

function nameOf(channel: string): string {
  return /^[CGD][A-Z0-9]{4,}$/.test(channel) ? `channel ${channel}` : `#${channel.replace(/^#/, "")}`;
}
