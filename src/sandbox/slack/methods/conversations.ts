import { channelPayload, messagePayload } from "../payloads.ts";
import { app } from "../people.ts";
import { SlackRefusal } from "../refusal.ts";
import type { Message } from "../types.ts";
import { joined } from "./chat.ts";
import { type Args, flag, type Method, optional, page, required } from "./method.ts";

export const conversationMethods: Method[] = [
  {
    name: "conversations.list",
    token: "bot",
    scope: "channels:read",
    run(args, { world }) {
      const { items, nextCursor } = page([...world.channels.values()], args, 100);
      return { channels: items.map(channelPayload), response_metadata: { next_cursor: nextCursor } };
    },
  },
  {
    name: "conversations.info",
    token: "bot",
    scope: "channels:read",
    run: (args, { world }) => ({ channel: channelPayload(world.channel(required(args, "channel"))) }),
  },
  {
    name: "conversations.join",
    token: "bot",
    scope: "channels:join",
    run(args, { world }) {
      const channel = world.channel(required(args, "channel"));
      world.join(channel, app.userId);
      return { channel: channelPayload(channel) };
    },
  },
  {
    name: "conversations.members",
    token: "bot",
    scope: "channels:read",
    run(args, { world }) {
      const { items, nextCursor } = page(world.channel(required(args, "channel")).members, args, 100);
      return { members: items, response_metadata: { next_cursor: nextCursor } };
    },
  },
  {
    name: "conversations.history",
    token: "bot",
    scope: "channels:history",
    run(args, { world }) {
      const channel = joined(world.channel(required(args, "channel")));
      const roots = world.messages(channel.id).filter((message) => !message.threadTs);
      const { items, nextCursor } = page(between(roots, args).reverse(), args, 100);
      return {
        messages: items.map((message) => messagePayload(world, message, flag(args, "include_all_metadata"))),
        has_more: nextCursor !== "",
        response_metadata: { next_cursor: nextCursor },
      };
    },
  },
  {
    name: "conversations.replies",
    token: "bot",
    scope: "channels:history",
    run(args, { world }) {
      const channel = joined(world.channel(required(args, "channel")));
      const root = world.threadRoot(channel.id, required(args, "ts"));
      const all = world.messages(channel.id);
      const parent = all.filter((message) => message.ts === root);
      const replies = between(
        all.filter((message) => message.threadTs === root),
        args,
      );
      const { items, nextCursor } = page([...parent, ...replies], args, 1000);
      return {
        messages: items.map((message) => messagePayload(world, message, flag(args, "include_all_metadata"))),
        has_more: nextCursor !== "",
        response_metadata: { next_cursor: nextCursor },
      };
    },
  },
];

/** Those between `oldest` and `latest`, the ends only with `inclusive`. */
function between(messages: Message[], args: Args): Message[] {
  const oldest = timestamp(args, "oldest") ?? 0;
  const latest = timestamp(args, "latest") ?? Number.POSITIVE_INFINITY;
  const inclusive = flag(args, "inclusive");
  return messages.filter(({ ts }) => {
    const at = Number(ts);
    return inclusive ? at >= oldest && at <= latest : at > oldest && at < latest;
  });
}

function timestamp(args: Args, name: "oldest" | "latest"): number | undefined {
  const given = optional(args, name);
  if (given === undefined) return undefined;
  if (!/^\d+(\.\d+)?$/.test(given)) throw new SlackRefusal(`invalid_ts_${name}`);
  return Number(given);
}
