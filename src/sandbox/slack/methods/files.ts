import { takeMessageBlocks } from "../blocks/check.ts";
import { isObject } from "../blocks/rules.ts";
import { filePayload } from "../payloads.ts";
import { app } from "../people.ts";
import { SlackRefusal } from "../refusal.ts";
import type { UploadedFile } from "../types.ts";
import { joined } from "./chat.ts";
import { type Method, optional, required } from "./method.ts";

export const fileMethods: Method[] = [
  {
    name: "files.getUploadURLExternal",
    token: "bot",
    scope: "files:write",
    run(args, { files, url }) {
      if (!(Number(required(args, "length")) > 0)) throw new SlackRefusal("invalid_arguments");
      const id = files.announce(required(args, "filename"));
      return { file_id: id, upload_url: `${url}/upload/${id}` };
    },
  },
  {
    name: "files.completeUploadExternal",
    token: "bot",
    scope: "files:write",
    async run(args, { files, world, url }) {
      if (!Array.isArray(args.files) || args.files.length === 0)
        throw new SlackRefusal("invalid_arguments", ["missing required field: files [json-pointer:/files]"]);
      const wanted = optional(args, "channel_id");
      const channel = wanted ? joined(world.channel(wanted)) : undefined;
      const thread = optional(args, "thread_ts");
      const threadTs = channel && thread ? world.threadRoot(channel.id, thread) : undefined;
      const blocks = Array.isArray(args.blocks) ? takeMessageBlocks(args.blocks) : undefined;
      const completed: UploadedFile[] = [];
      for (const file of args.files) {
        if (!isObject(file)) throw new SlackRefusal("invalid_arguments");
        const title = typeof file.title === "string" ? file.title : undefined;
        completed.push(await files.complete(String(file.id), title));
      }
      if (channel)
        world.post({
          channel: channel.id,
          user: app.userId,
          text: optional(args, "initial_comment") ?? "",
          files: completed,
          ...(blocks ? { blocks } : {}),
          ...(threadTs ? { threadTs } : {}),
        });
      return { files: completed.map((file) => filePayload(file, url)) };
    },
  },
];
