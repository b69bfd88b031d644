/** Messages, people and channels in the shapes of Slack's answers and payloads. */
import { app, team } from "./people.ts";
import type { Channel, Message, Person, UploadedFile } from "./types.ts";
import { handleOf, type World } from "./world.ts";

/** A message as conversations.history and interaction payloads carry it. */
export function messagePayload(world: World, message: Message, withMetadata = true): Record<string, unknown> {
  const byBot = message.user === app.userId;
  return {
    type: "message",
    user: message.user,
    ts: message.ts,
    text: message.text,
    team: team.id,
    ...(byBot ? { bot_id: app.botId, app_id: app.id } : {}),
    ...(message.blocks ? { blocks: message.blocks } : {}),
    ...(message.files ? { files: message.files.map((file) => filePayload(file)) } : {}),
    ...(withMetadata && message.metadata ? { metadata: message.metadata } : {}),
    ...threadFields(world, message),
  };
}

export function filePayload(file: UploadedFile, url = ""): Record<string, unknown> {
  return {
    ...file,
    user: app.userId,
    filetype: file.name.split(".").at(-1) ?? "",
    url_private: `${url}/files/${file.id}`,
    permalink: `${url}/files/${file.id}`,
  };
}

export function userPayload(person: Person): Record<string, unknown> {
  return {
    id: person.id,
    team_id: person.teamId,
    name: handleOf(person),
    real_name: person.realName,
    deleted: false,
    is_bot: person.kind === "bot",
    is_app_user: false,
    is_admin: false,
    is_owner: false,
    is_restricted: person.kind === "guest",
    is_ultra_restricted: false,
    is_stranger: false,
    tz: "Etc/UTC",
    tz_offset: 0,
    profile: {
      real_name: person.realName,
      display_name: person.name,
      title: person.title,
      team: person.teamId,
    },
  };
}

export function channelPayload(channel: Channel): Record<string, unknown> {
  return {
    id: channel.id,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: true,
    is_group: false,
    is_im: false,
    is_mpim: false,
    is_private: false,
    is_archived: false,
    is_general: channel.name === "general",
    is_shared: false,
    is_ext_shared: false,
    is_pending_ext_shared: false,
    is_org_shared: false,
    is_member: channel.members.includes(app.userId),
    num_members: channel.members.length,
    topic: { value: channel.topic, creator: "", last_set: 0 },
    purpose: { value: "", creator: "", last_set: 0 },
    context_team_id: team.id,
  };
}

/** Who did it, as interaction payloads say it. */
export function actorPayload(person: Person): Record<string, unknown> {
  return { id: person.id, username: handleOf(person), name: handleOf(person), team_id: person.teamId };
}

function threadFields(world: World, message: Message): Record<string, unknown> {
  if (message.threadTs) {
    const parent = world.find(message.channel, message.threadTs);
    return { thread_ts: message.threadTs, ...(parent ? { parent_user_id: parent.user } : {}) };
  }
  const replies = world.messages(message.channel).filter((other) => other.threadTs === message.ts);
  const last = replies.at(-1);
  if (!last) return {};
  const users = [...new Set(replies.map((reply) => reply.user))];
  return {
    thread_ts: message.ts,
    reply_count: replies.length,
    reply_users: users,
    reply_users_count: users.length,
    latest_reply: last.ts,
  };
}
