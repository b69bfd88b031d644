import { WebAPIPlatformError, type WebClient } from "@slack/web-api";
import type { MessageRow } from "../../journal/types.ts";
import type { Log } from "../../log.ts";

/** By this metadata a message is known again: ids only, since everybody in the channel can read it. */
export function metadataOf(row: Pick<MessageRow, "id" | "createdAt">) {
  return {
    event_type: "steward_message",
    event_payload: { message_id: row.id, asked_at: row.createdAt.getTime() },
  };
}

export interface Lookup {
  /** Whether a row's message stands there already; `cannot` without the optional history scope. */
  find(
    row: MessageRow,
    channel: string,
    threadTs: string | null,
  ): Promise<{ ts: string } | "absent" | "cannot">;
}

const PAGE = 200;
const PAGES = 5;
/** Slack's clock and the database's need not agree. */
const CLOCKS_MS = 60_000;

/** Looks messages up by their row's id, for when it is not known whether a post arrived. */
export function createLookup(client: WebClient, log: Log): Lookup {
  let allowed = true;
  return {
    async find(row, channel, threadTs) {
      if (!allowed) return "cannot";
      try {
        return (await search(client, row, channel, threadTs)) ?? "absent";
      } catch (error) {
        if (!(error instanceof WebAPIPlatformError && error.data.error === "missing_scope")) throw error;
        allowed = false;
        log.warn(
          { scope: "channels:history" },
          "without this optional scope a message whose post got no answer may be doubled",
        );
        return "cannot";
      }
    },
  };
}

async function search(
  client: WebClient,
  row: MessageRow,
  channel: string,
  threadTs: string | null,
): Promise<{ ts: string } | undefined> {
  const oldest = String((row.createdAt.getTime() - CLOCKS_MS) / 1_000);
  const wanted = metadataOf(row).event_payload;
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const common = {
      channel,
      oldest,
      limit: PAGE,
      include_all_metadata: true,
      ...(cursor ? { cursor } : {}),
    };
    const answer = threadTs
      ? await client.conversations.replies({ ...common, ts: threadTs })
      : await client.conversations.history(common);
    for (const message of answer.messages ?? []) {
      const payload = message.metadata?.event_payload as
        | { message_id?: unknown; asked_at?: unknown }
        | undefined;
      if (message.ts && payload?.message_id === wanted.message_id && payload.asked_at === wanted.asked_at)
        return { ts: message.ts };
    }
    cursor = answer.response_metadata?.next_cursor || undefined;
    if (!cursor) return undefined;
  }
  return undefined;
}
