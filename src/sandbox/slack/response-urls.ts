/** `response_url`s: five answers within thirty minutes to the person who did something. */
import { randomBytes } from "node:crypto";
import { takeMessageBlocks } from "./blocks/check.ts";
import { app } from "./people.ts";
import { SlackRefusal } from "./refusal.ts";
import type { Block, Message } from "./types.ts";
import type { World } from "./world.ts";

const USES = 5;
const LIFE_MS = 30 * 60_000;
const REMEMBERED = 10_000;

/** Where answers go; `message` is the one that was clicked, for replace_original and delete_original. */
export interface Origin {
  user: string;
  channel: string;
  message?: { ts: string };
}

interface Issued extends Origin {
  issuedAt: number;
  uses: number;
}

export class ResponseUrls {
  #world: World;
  #issued = new Map<string, Issued>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The path of a new response_url. */
  issue(origin: Origin): string {
    const key = randomBytes(18).toString("base64url");
    this.#issued.set(key, { ...origin, issuedAt: this.#world.now(), uses: 0 });
    if (this.#issued.size > REMEMBERED) this.#issued.delete(this.#issued.keys().next().value!);
    return `/response/${key}`;
  }

  /** Uses it once. Refuses: invalid_url, expired_url and used_url (HTTP 404), and what a message is refused for. */
  use(key: string, body: Record<string, unknown>): void {
    const issued = this.#issued.get(key);
    if (!issued) throw new SlackRefusal("invalid_url");
    if (this.#world.now() - issued.issuedAt > LIFE_MS) throw new SlackRefusal("expired_url");
    if (issued.uses >= USES) throw new SlackRefusal("used_url");
    const original = issued.message && this.#world.find(issued.channel, issued.message.ts);
    if (body.delete_original === true && original) this.#world.remove(original);
    else if (body.replace_original === true && original) this.#replace(original, body);
    else postResponse(this.#world, issued, body);
    issued.uses += 1;
  }

  #replace(original: Message, body: Record<string, unknown>): void {
    const { text, blocks } = responseContent(body);
    this.#world.edit(original, { text, blocks });
  }
}

/** Shows an answer to a command or click: to that person alone, or to all with `response_type: "in_channel"`. */
export function postResponse(world: World, to: Origin, body: Record<string, unknown>): Message {
  const { text, blocks } = responseContent(body);
  const threadTs =
    typeof body.thread_ts === "string" ? world.threadRoot(to.channel, body.thread_ts) : undefined;
  return world.post({
    channel: to.channel,
    user: app.userId,
    text,
    ...(blocks ? { blocks } : {}),
    ...(threadTs ? { threadTs } : {}),
    ...(body.response_type === "in_channel" ? {} : { ephemeralFor: to.user }),
  });
}

/** Is there something to show? An empty ack shows nothing. */
export function hasContent(body: Record<string, unknown>): boolean {
  return Boolean(body.text) || (Array.isArray(body.blocks) && body.blocks.length > 0);
}

function responseContent(body: Record<string, unknown>): { text: string; blocks: Block[] | undefined } {
  if (!hasContent(body)) throw new SlackRefusal("no_text");
  const text = typeof body.text === "string" ? body.text : "";
  if (text.length > 40_000) throw new SlackRefusal("msg_too_long");
  return { text, blocks: Array.isArray(body.blocks) ? takeMessageBlocks(body.blocks) : undefined };
}
