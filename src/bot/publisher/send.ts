import type { KnownBlock } from "@slack/types";
import type { WebClient } from "@slack/web-api";
import type { MessageRow } from "../../journal/types.ts";
import type { Presented } from "../present/blocks.ts";
import { failureOf } from "./errors.ts";
import { metadataOf } from "./look.ts";

const ANSWER_WITHIN_MS = 5_000;

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

/** To one person where there is no response_url, or none that is still good. */
export async function whisper(
  client: WebClient,
  row: MessageRow,
  { channel, threadTs }: Place,
  presented: Presented,
): Promise<void> {
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

/**
 * To one person by the response_url of what they did, which works in every channel. False when it does not
 * take it (any more): it is good for five uses and thirty minutes.
 */
export async function respond(url: string, { text, blocks }: Presented): Promise<boolean> {
  // not AbortSignal.timeout, which keeps all of the call in memory until its time is over
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)),
    ANSWER_WITHIN_MS,
  );
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify({ response_type: "ephemeral", replace_original: false, text, blocks }),
      signal: late.signal,
    });
    await response.arrayBuffer();
    return response.ok;
  } finally {
    clearTimeout(timer);
  }
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
