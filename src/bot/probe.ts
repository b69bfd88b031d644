import { WebAPIPlatformError, WebClient } from "@slack/web-api";
import { StewardError } from "../errors.ts";
import { silentLog } from "../log.ts";
import { authError, identify } from "./auth.ts";
import { clientOptions } from "./clients.ts";

/** How a channel that the config names stands towards the bot. */
export interface ChannelProbe {
  named: string;
  state: "member" | "open" | "missing" | "shared";
}

/** What Slack says about the tokens; an error in the place of what could not be found out. */
export interface SlackProbe {
  bot: { team: string; user: string; scopes: string[] } | StewardError;
  /** null: the app token was accepted */
  app: StewardError | null;
  channels: ChannelProbe[] | StewardError;
}

const TIMEOUT_MS = 8_000;
const ID = /^[CGD][A-Z0-9]{4,}$/;

/** Asks Slack about the tokens and the channels. Joins nothing, posts nothing. */
export async function probeSlack(
  slack: { botToken?: string | undefined; appToken?: string | undefined; apiUrl?: string | undefined },
  channels: readonly string[],
): Promise<SlackProbe> {
  const client = new WebClient(slack.botToken, clientOptions(slack.apiUrl, TIMEOUT_MS, silentLog));
  const [bot, app] = await Promise.all([
    settled(async () => {
      assertPrefix("SLACK_BOT_TOKEN", slack.botToken, "xoxb-");
      const { team, botUser, scopes } = await identify(client);
      return { team, user: botUser, scopes };
    }),
    settled(async () => {
      assertPrefix("SLACK_APP_TOKEN", slack.appToken, "xapp-");
      await openConnection(slack.appToken!, slack.apiUrl);
      return null;
    }),
  ]);
  if (bot instanceof StewardError) return { bot, app, channels: [] };
  return { bot, app, channels: await settled(() => probeChannels(client, channels)) };
}

/** Gets the address of a socket, which expires unused. */
async function openConnection(appToken: string, apiUrl: string | undefined): Promise<void> {
  try {
    await new WebClient(appToken, clientOptions(apiUrl, TIMEOUT_MS, silentLog)).apps.connections.open();
  } catch (error) {
    throw authError("SLACK_APP_TOKEN", error);
  }
}

async function probeChannels(client: WebClient, named: readonly string[]): Promise<ChannelProbe[]> {
  const listed = named.some((name) => !ID.test(name))
    ? await listChannels(client)
    : new Map<string, Channel>();
  return await Promise.all(
    named.map(async (name) => {
      const channel = ID.test(name)
        ? await channelById(client, name)
        : listed.get(name.replace(/^#/, "").toLowerCase());
      return { named: name, state: stateOf(channel) };
    }),
  );
}

interface Channel {
  name?: string;
  is_member?: boolean;
  is_ext_shared?: boolean;
  is_pending_ext_shared?: boolean;
}

function stateOf(channel: Channel | undefined): ChannelProbe["state"] {
  if (!channel) return "missing";
  if (channel.is_ext_shared || channel.is_pending_ext_shared) return "shared";
  return channel.is_member ? "member" : "open";
}

async function listChannels(client: WebClient): Promise<Map<string, Channel>> {
  const found = new Map<string, Channel>();
  let cursor = "";
  do {
    const page = await client.conversations.list({
      types: "public_channel",
      exclude_archived: true,
      limit: 500,
      ...(cursor ? { cursor } : {}),
    });
    for (const channel of page.channels ?? []) found.set(channel.name ?? "", channel);
    cursor = page.response_metadata?.next_cursor ?? "";
  } while (cursor);
  return found;
}

async function channelById(client: WebClient, id: string): Promise<Channel | undefined> {
  try {
    return (await client.conversations.info({ channel: id })).channel;
  } catch (error) {
    if (error instanceof WebAPIPlatformError && error.data.error === "channel_not_found") return undefined;
    throw error;
  }
}

const WHERE = {
  SLACK_BOT_TOKEN: "Copy the Bot User OAuth Token (xoxb-...) from api.slack.com/apps, OAuth & Permissions.",
  SLACK_APP_TOKEN:
    "Make an app-level token (xapp-...) with connections:write at api.slack.com/apps, Basic Information.",
};

function assertPrefix(token: keyof typeof WHERE, value: string | undefined, prefix: string): void {
  if (value?.startsWith(prefix)) return;
  const kind = value?.startsWith("xoxb-")
    ? ": it is a bot token"
    : value?.startsWith("xapp-")
      ? ": it is an app token"
      : "";
  throw new StewardError(
    "slack_auth",
    `${token} ${value ? `does not begin with ${prefix}${kind}` : "is not set"}`,
    {
      hint: WHERE[token],
    },
  );
}

async function settled<T>(ask: () => Promise<T>): Promise<T | StewardError> {
  try {
    return await ask();
  } catch (error) {
    return error instanceof StewardError ? error : authError("SLACK_BOT_TOKEN", error);
  }
}
