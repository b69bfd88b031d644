import { WebAPIPlatformError, type WebClient } from "@slack/web-api";
import type { Config } from "../config.ts";
import { StewardError } from "../errors.ts";

export interface Channels {
  /** The id of a channel given as an id, `ops` or `#ops`; undefined for a name that is not known. */
  idOf(named: string): string | undefined;
  /** Asks to be let into a public channel. False when Slack does not allow it. */
  join(id: string): Promise<boolean>;
}

interface Known {
  id: string;
  name: string;
  member: boolean;
  shared: boolean;
}

const ID = /^[CGD][A-Z0-9]{4,}$/;

/**
 * Finds the ids of all channels that the config names, and joins those that can be joined. Throws
 * `channel_missing`, `channel_closed` or `channel_shared`, with what to do about it.
 */
export async function resolveChannels(client: WebClient, config: Config): Promise<Channels> {
  const wanted = wantedChannels(config);
  const listed = wanted.some((named) => !ID.test(named)) ? await listChannels(client) : [];
  const known = new Map<string, Known>();
  for (const named of wanted) {
    const channel = ID.test(named)
      ? await channelById(client, named)
      : listed.find(({ name }) => name === bare(named));
    if (!channel) throw missing(named);
    if (channel.shared) {
      throw new StewardError(
        "channel_shared",
        `Channel ${shown(named)} is shared with another company, and Steward posts operational detail`,
        {
          hint: "Name a channel in steward.yml that belongs to this workspace alone.",
        },
      );
    }
    if (!channel.member && !(await join(client, channel.id))) {
      throw new StewardError("channel_closed", `Steward is not in channel ${shown(named)}`, {
        hint: `Type /invite @Steward in ${shown(named)}, then start again.`,
      });
    }
    known.set(bare(named), channel);
  }
  return {
    idOf: (named) => (ID.test(named) ? named : known.get(bare(named))?.id),
    join: (id) => join(client, id),
  };
}

function wantedChannels({ slack, services, schedules }: Config): string[] {
  const named = [
    slack.channel,
    slack.incidents,
    ...services.flatMap((service) => [service.channel, service.incidents]),
    ...Object.values(schedules).map((schedule) => schedule?.channel),
  ];
  return [...new Set(named.filter((name): name is string => Boolean(name)))];
}

async function listChannels(client: WebClient): Promise<Known[]> {
  const found: Known[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.conversations.list({
      types: "public_channel",
      exclude_archived: true,
      limit: 500,
      ...(cursor ? { cursor } : {}),
    });
    for (const channel of page.channels ?? []) found.push(knownChannel(channel));
    cursor = page.response_metadata?.next_cursor || undefined;
  } while (cursor);
  return found;
}

async function channelById(client: WebClient, id: string): Promise<Known | undefined> {
  try {
    const { channel } = await client.conversations.info({ channel: id });
    return channel && knownChannel(channel);
  } catch (error) {
    if (error instanceof WebAPIPlatformError && error.data.error === "channel_not_found") return undefined;
    throw error;
  }
}

function knownChannel(channel: {
  id?: string;
  name?: string;
  is_member?: boolean;
  is_ext_shared?: boolean;
  is_pending_ext_shared?: boolean;
}): Known {
  return {
    id: channel.id ?? "",
    name: channel.name ?? "",
    member: channel.is_member === true,
    shared: channel.is_ext_shared === true || channel.is_pending_ext_shared === true,
  };
}

async function join(client: WebClient, id: string): Promise<boolean> {
  try {
    await client.conversations.join({ channel: id });
    return true;
  } catch (error) {
    if (error instanceof WebAPIPlatformError) return false;
    throw error;
  }
}

function missing(named: string): StewardError {
  return new StewardError(
    "channel_missing",
    `Channel ${shown(named)} does not exist in Slack, or Steward cannot see it`,
    {
      hint: ID.test(named)
        ? "Check the id in steward.yml, or type /invite @Steward in that channel."
        : `Create ${shown(named)}; a private channel is named by its id, after /invite @Steward in it.`,
    },
  );
}

function bare(named: string): string {
  return named.replace(/^#/, "").toLowerCase();
}

function shown(named: string): string {
  return ID.test(named) ? named : `#${bare(named)}`;
}
