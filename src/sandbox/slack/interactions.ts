/** What people do, turned into Slack's payloads and sent to the app: commands, messages, clicks, shortcuts. */
import { type Element, elementsOf } from "./blocks/check.ts";
import { actionFields, startingValues } from "./choices.ts";
import type { House } from "./house.ts";
import { actorPayload, messagePayload } from "./payloads.ts";
import { app, team } from "./people.ts";
import { SlackRefusal } from "./refusal.ts";
import { hasContent, postResponse } from "./response-urls.ts";
import { typedCommand, typedMessage } from "./typed.ts";
import type { Block, Channel, InteractionResult, Message, Person } from "./types.ts";
import { handleOf } from "./world.ts";

export interface ClickOptions {
  value?: string;
  /** the value of the chosen option, for selects and overflow menus; several for multi-selects */
  selected?: string | string[];
  blockId?: string;
  /** send what no client of Slack's would: an element or value that the message does not have */
  forge?: boolean;
}

/** Sends a slash command. Its ack may carry an answer, which is shown as Slack shows it. */
export async function sendCommand(
  house: House,
  by: { user: string; channel: string },
  command: string,
  text: string,
): Promise<InteractionResult> {
  const { person, channel } = present(house, by.user, by.channel);
  if (!house.commands.includes(command)) throw new SlackRefusal("unknown_command");
  const delivery = await house.sockets.dispatch(
    "slash_commands",
    {
      token: "sandbox",
      team_id: team.id,
      team_domain: team.domain,
      channel_id: channel.id,
      channel_name: channel.name,
      user_id: person.id,
      user_name: handleOf(person),
      command,
      text: typedCommand(house.world, text),
      api_app_id: app.id,
      is_enterprise_install: "false",
      response_url: responseUrl(house, person, channel),
      trigger_id: house.triggers.issue(person.id),
    },
    true,
  );
  if (!delivery.ok) return { ok: false, error: delivery.error };
  if (hasContent(delivery.payload)) {
    try {
      postResponse(house.world, { user: person.id, channel: channel.id }, delivery.payload);
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      return { ok: false, error: "invalid_command_response", ackMs: delivery.ackMs };
    }
  }
  return { ok: true, ackMs: delivery.ackMs };
}

/** A person writes a message; one that mentions the app reaches it as an `app_mention` event. */
export function sayMessage(
  house: House,
  by: { user: string; channel: string },
  text: string,
  threadTs?: string,
): Message {
  const { person, channel } = present(house, by.user, by.channel);
  if (text.trim() === "") throw new SlackRefusal("no_text");
  const root = threadTs ? house.world.threadRoot(channel.id, threadTs) : undefined;
  const message = house.world.post({
    channel: channel.id,
    user: person.id,
    text: typedMessage(house.world, text),
    ...(root ? { threadTs: root } : {}),
  });
  if (message.text.includes(`<@${app.userId}>`)) mention(house, message);
  return message;
}

/** A click on, or a choice in, an element of a message as the message stands now. */
export async function clickMessage(
  house: House,
  by: { user: string; channel: string },
  ts: string,
  actionId: string,
  options: ClickOptions = {},
): Promise<InteractionResult> {
  const { person, channel } = present(house, by.user, by.channel);
  const found = house.world.find(channel.id, ts);
  const message = found?.ephemeralFor && found.ephemeralFor !== person.id ? undefined : found;
  const target = findElement(message?.blocks ?? [], actionId, options);
  if (!target && !options.forge) throw new SlackRefusal("no_such_action");
  const ephemeral = Boolean(message?.ephemeralFor);
  const delivery = await house.sockets.dispatch(
    "interactive",
    {
      ...common("block_actions", person, house),
      container: {
        type: "message",
        message_ts: ts,
        channel_id: channel.id,
        is_ephemeral: ephemeral,
        ...(message?.threadTs ? { thread_ts: message.threadTs } : {}),
      },
      channel: { id: channel.id, name: channel.name },
      // an ephemeral message is not handed back to the app that sent it
      ...(message && !ephemeral ? { message: messagePayload(house.world, message) } : {}),
      state: { values: startingValues(message?.blocks ?? []) },
      response_url: responseUrl(house, person, channel, message && { ts }),
      actions: [actionPayload(target, actionId, options, house.world.nextTs())],
    },
    false,
  );
  return delivery.ok ? { ok: true, ackMs: delivery.ackMs } : delivery;
}

/** A global shortcut, or with `message` one on that message. */
export async function sendShortcut(
  house: House,
  user: string,
  callbackId: string,
  on?: { channel: string; ts: string },
): Promise<InteractionResult> {
  const person = house.world.person(user);
  const payload: Record<string, unknown> = {
    ...common(on ? "message_action" : "shortcut", person, house),
    callback_id: callbackId,
    action_ts: house.world.nextTs(),
  };
  if (on) {
    const { channel } = present(house, user, on.channel);
    const message = house.world.find(channel.id, on.ts);
    if (!message || message.ephemeralFor) throw new SlackRefusal("message_not_found");
    payload.channel = { id: channel.id, name: channel.name };
    payload.message_ts = message.ts;
    payload.message = messagePayload(house.world, message);
    payload.response_url = responseUrl(house, person, channel);
  }
  const delivery = await house.sockets.dispatch("interactive", payload, false);
  return delivery.ok ? { ok: true, ackMs: delivery.ackMs } : delivery;
}

/** What every interactive payload begins with, a fresh trigger included. */
export function common(type: string, person: Person, house: House): Record<string, unknown> {
  return {
    type,
    token: "sandbox",
    team: { id: team.id, domain: team.domain },
    enterprise: null,
    is_enterprise_install: false,
    api_app_id: app.id,
    user: actorPayload(person),
    trigger_id: house.triggers.issue(person.id),
  };
}

export interface Target {
  blockId: string;
  element: Element;
}

/** The element of that action id; where several blocks have it, block and value tell them apart. */
export function findElement(blocks: Block[], actionId: string, options: ClickOptions): Target | undefined {
  for (const block of blocks) {
    if (options.blockId !== undefined && block.block_id !== options.blockId) continue;
    for (const element of elementsOf(block)) {
      if (element.action_id !== actionId) continue;
      const asked = element.type === "button" && !options.forge ? options.value : undefined;
      if (asked === undefined || asked === element.value) return { blockId: block.block_id ?? "", element };
    }
  }
  return undefined;
}

export function actionPayload(
  target: Target | undefined,
  actionId: string,
  options: ClickOptions,
  actionTs: string,
): Record<string, unknown> {
  const { element, blockId } = target ?? {
    blockId: options.blockId ?? "forged",
    element: { type: "button", text: { type: "plain_text", text: "Forged", emoji: true } },
  };
  return {
    type: element.type,
    action_id: actionId,
    block_id: blockId,
    action_ts: actionTs,
    ...actionFields(element, options.value, options.selected),
  };
}

/** Person and channel, where the person is a member: others do not see the channel in their client. */
function present(house: House, user: string, channelId: string): { person: Person; channel: Channel } {
  const person = house.world.person(user);
  const channel = house.world.channel(channelId);
  if (!channel.members.includes(user)) throw new SlackRefusal("not_in_channel");
  return { person, channel };
}

function responseUrl(house: House, person: Person, channel: Channel, message?: { ts: string }): string {
  const origin = { user: person.id, channel: channel.id, ...(message ? { message } : {}) };
  return `${house.url}${house.responseUrls.issue(origin)}`;
}

function mention(house: House, message: Message): void {
  const { ts, channel } = message;
  const event = {
    type: "app_mention",
    user: message.user,
    text: message.text,
    ts,
    channel,
    team: team.id,
    event_ts: ts,
    ...(message.threadTs ? { thread_ts: message.threadTs } : {}),
  };
  const payload = {
    type: "event_callback",
    token: "sandbox",
    team_id: team.id,
    api_app_id: app.id,
    event,
    event_id: `Ev${ts.replace(".", "")}`,
    event_time: Math.floor(Number(ts)),
    authorizations: [
      {
        enterprise_id: null,
        team_id: team.id,
        user_id: app.userId,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
  };
  void house.sockets.dispatch("events_api", payload, false);
}
