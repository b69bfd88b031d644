import { takeMessageBlocks } from "../blocks/check.ts";
import { isObject } from "../blocks/rules.ts";
import type { House } from "../house.ts";
import { messagePayload } from "../payloads.ts";
import { app } from "../people.ts";
import { SlackRefusal } from "../refusal.ts";
import type { Block, Channel, Message } from "../types.ts";
import { type Args, type Method, optional, required } from "./method.ts";

const POST_TEXT_LIMIT = 40_000;
const UPDATE_TEXT_LIMIT = 4_000;
const METADATA_LIMIT = 16_000;

export const chatMethods: Method[] = [
  {
    name: "chat.postMessage",
    token: "bot",
    scope: "chat:write",
    run(args, { world }) {
      const channel = joined(world.channel(required(args, "channel")));
      const { text, blocks } = takeContent(args, POST_TEXT_LIMIT);
      const metadata = takeMetadata(args);
      const thread = optional(args, "thread_ts");
      const message = world.post({
        channel: channel.id,
        user: app.userId,
        text: text ?? "",
        ...(blocks ? { blocks } : {}),
        ...(metadata ? { metadata } : {}),
        ...(thread ? { threadTs: world.threadRoot(channel.id, thread) } : {}),
      });
      return { channel: channel.id, ts: message.ts, message: messagePayload(world, message) };
    },
  },
  {
    name: "chat.update",
    token: "bot",
    scope: "chat:write",
    run(args, house) {
      const message = ownMessage(args, house, "cant_update_message");
      const { text, blocks } = takeContent(args, UPDATE_TEXT_LIMIT);
      const metadata = takeMetadata(args);
      const edited = house.world.edit(message, {
        text: text ?? message.text,
        ...(blocks ? { blocks } : {}),
        ...(metadata ? { metadata } : {}),
      });
      const { channel, ts } = edited;
      return { channel, ts, text: edited.text, message: messagePayload(house.world, edited) };
    },
  },
  {
    name: "chat.delete",
    token: "bot",
    scope: "chat:write",
    run(args, house) {
      const message = ownMessage(args, house, "cant_delete_message");
      house.world.remove(message);
      return { channel: message.channel, ts: message.ts };
    },
  },
  {
    name: "chat.postEphemeral",
    token: "bot",
    scope: "chat:write",
    run(args, { world }) {
      const channel = joined(world.channel(required(args, "channel")));
      const person = world.person(required(args, "user"));
      if (!channel.members.includes(person.id)) throw new SlackRefusal("user_not_in_channel");
      const { text, blocks } = takeContent(args, POST_TEXT_LIMIT);
      const thread = optional(args, "thread_ts");
      const message = world.post({
        channel: channel.id,
        user: app.userId,
        text: text ?? "",
        ephemeralFor: person.id,
        ...(blocks ? { blocks } : {}),
        ...(thread ? { threadTs: world.threadRoot(channel.id, thread) } : {}),
      });
      return { message_ts: message.ts };
    },
  },
  {
    name: "chat.getPermalink",
    token: "bot",
    run(args, { world, url }) {
      const channel = world.channel(required(args, "channel"));
      const message = world.find(channel.id, required(args, "message_ts"));
      if (!message || message.ephemeralFor) throw new SlackRefusal("message_not_found");
      const thread = message.threadTs ? `?thread_ts=${message.threadTs}&cid=${channel.id}` : "";
      const permalink = `${url}/archives/${channel.id}/p${message.ts.replace(".", "")}${thread}`;
      return { channel: channel.id, permalink };
    },
  },
];

/** The channel, where the bot is in it: `chat:write.public` is not granted. */
export function joined(channel: Channel): Channel {
  if (!channel.members.includes(app.userId)) throw new SlackRefusal("not_in_channel");
  return channel;
}

/** Text and blocks; an absent field is undefined. Refuses: no_text, msg_too_long, invalid_blocks(_format). */
function takeContent(args: Args, textLimit: number): { text?: string; blocks?: Block[] } {
  if (Array.isArray(args.attachments) && args.attachments.length > 0)
    throw new SlackRefusal("invalid_attachments", ["the stand-in knows no attachments: use blocks"]);
  const text = optional(args, "text");
  const given = args.blocks === "" || args.blocks === null ? undefined : args.blocks;
  if (given !== undefined && !Array.isArray(given)) throw new SlackRefusal("invalid_blocks_format");
  if (text === undefined && (given === undefined || given.length === 0)) throw new SlackRefusal("no_text");
  if (text !== undefined && text.length > textLimit) throw new SlackRefusal("msg_too_long");
  return {
    ...(text === undefined ? {} : { text }),
    ...(given === undefined ? {} : { blocks: takeMessageBlocks(given) }),
  };
}

function takeMetadata(args: Args): Message["metadata"] | undefined {
  const given = args.metadata;
  if (given === undefined || given === null || given === "") return undefined;
  if (!isObject(given) || typeof given.event_type !== "string" || !isObject(given.event_payload))
    throw new SlackRefusal("invalid_metadata_format");
  if (JSON.stringify(given).length > METADATA_LIMIT) throw new SlackRefusal("metadata_too_large");
  return { event_type: given.event_type, event_payload: given.event_payload };
}

/** The bot's own message of `channel` and `ts`. Ephemerals are beyond it, as in Slack. */
function ownMessage(args: Args, { world }: House, otherwise: string): Message {
  const channel = world.channel(required(args, "channel"));
  const message = world.find(channel.id, required(args, "ts"));
  if (!message || message.ephemeralFor) throw new SlackRefusal("message_not_found");
  if (message.user !== app.userId) throw new SlackRefusal(otherwise);
  return message;
}
