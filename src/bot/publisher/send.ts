import type { KnownBlock } from "@slack/types";
import type { WebClient } from "@slack/web-api";
import type { MessageRow } from "../../journal/types.ts";
import type { Presented } from "../present/blocks.ts";
import { failureOf } from "./errors.ts";
import { metadataOf } from "./look.ts";

/** The calls themselves. Each throws what Slack's client throws; refused blocks fall back to simpler ones, then to text. */
export interface Place {
  channel: string;
  threadTs: string | null;
}

export async function post(
  client: WebClient,
  row: MessageRow,
  { channel, threadTs }: Place,
  presented: Presented,
): Promise<string> {
  return await withSimplerBlocks(presented, async (text, blocks) => {
    const answer = await client.chat.postMessage({
      channel,
      text,
      ...(blocks ? { blocks } : {}),
      ...(threadTs ? { thread_ts: threadTs } : {}),
      metadata: metadataOf(row),
      unfurl_links: false,
      unfurl_media: false,
    });
    return answer.ts!;
  });
}

export async function update(
  client: WebClient,
  { channel }: Place,
  ts: string,
  presented: Presented,
): Promise<void> {
  await withSimplerBlocks(presented, async (text, blocks) => {
    // without blocks the old ones would stay
    await client.chat.update({ channel, ts, text, blocks: blocks ?? [] });
  });
}

/**
 * To one person: by the response_url of what they did, which works in every channel; after its five uses or
 * thirty minutes as an ephemeral message of our own.
 */
export async function whisper(
  client: WebClient,
  row: MessageRow,
  { channel, threadTs }: Place,
  presented: Presented,
): Promise<void> {
  if (row.responseUrl && (await respond(row.responseUrl, presented))) return;
  await withSimplerBlocks(presented, async (text, blocks) => {
    await client.chat.postEphemeral({
      channel,
      user: row.person!,
      text,
      ...(blocks ? { blocks } : {}),
      ...(threadTs ? { thread_ts: threadTs } : {}),
    });
  });
}

export async function upload(
  client: WebClient,
  { channel, threadTs }: Place,
  file: { name: string; title: string; content: string },
): Promise<void> {
  const common = { channel_id: channel, filename: file.name, title: file.title, content: file.content };
  await client.filesUploadV2(threadTs ? { ...common, thread_ts: threadTs } : common);
}

/** False when the URL does not take it (any more). */
async function respond(url: string, { text, blocks }: Presented): Promise<boolean> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify({ response_type: "ephemeral", replace_original: false, text, blocks }),
    signal: AbortSignal.timeout(5_000),
  });
  await response.arrayBuffer();
  return response.ok;
}

async function withSimplerBlocks<T>(
  { text, blocks, simpler }: Presented,
  send: (text: string, blocks?: KnownBlock[]) => Promise<T>,
): Promise<T> {
  const forms: (KnownBlock[] | undefined)[] = simpler ? [blocks, simpler, undefined] : [blocks, undefined];
  for (const [index, form] of forms.entries()) {
    try {
      return await send(text, form);
    } catch (error) {
      if (failureOf(error).kind !== "refused" || index === forms.length - 1) throw error;
    }
  }
  throw new Error("unreachable: the last form returns or throws");
}
