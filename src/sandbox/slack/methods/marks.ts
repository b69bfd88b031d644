/** Pins, reactions, bookmarks: Slack's answers, no more. */
import { SlackRefusal } from "../refusal.ts";
import type { World } from "../world.ts";
import { type Args, type Method, required } from "./method.ts";

export const markMethods: Method[] = [
  {
    name: "pins.add",
    token: "bot",
    scope: "pins:write",
    run: (args, { world }) => existing(args, world),
  },
  {
    name: "reactions.add",
    token: "bot",
    scope: "reactions:write",
    run(args, { world }) {
      if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(required(args, "name")))
        throw new SlackRefusal("invalid_name");
      return existing(args, world);
    },
  },
  {
    name: "bookmarks.add",
    token: "bot",
    scope: "bookmarks:write",
    run(args, { world }) {
      const channel = world.channel(required(args, "channel_id"));
      const bookmark = {
        channel_id: channel.id,
        title: required(args, "title"),
        type: required(args, "type"),
      };
      return {
        bookmark: { id: `Bk${world.nextTs().replace(".", "")}`, ...bookmark, link: args.link ?? null },
      };
    },
  },
];

function existing(args: Args, world: World): Record<string, unknown> {
  const channel = world.channel(required(args, "channel"));
  if (!world.find(channel.id, required(args, "timestamp"))) throw new SlackRefusal("message_not_found");
  return {};
}
