import { WebAPIPlatformError, type WebClient } from "@slack/web-api";
import { StewardError } from "../errors.ts";

export interface SlackTokens {
  botToken: string;
  appToken: string;
}

/** Who the bot token makes us. */
export interface Identity {
  team: string;
  botUser: string;
  botId: string;
  scopes: string[];
}

const WHERE = {
  SLACK_BOT_TOKEN:
    "Copy the Bot User OAuth Token (xoxb-...) from api.slack.com/apps, OAuth & Permissions, into SLACK_BOT_TOKEN.",
  SLACK_APP_TOKEN:
    "Make an app-level token (xapp-...) with connections:write at api.slack.com/apps, Basic Information, and put it into SLACK_APP_TOKEN.",
} as const;

const REASONS: Record<string, string> = {
  invalid_auth: "Slack does not know it",
  not_authed: "it is empty",
  account_inactive: "its app or workspace was removed or deactivated",
  token_revoked: "it was revoked",
  token_expired: "it has expired",
  not_allowed_token_type: "it is of the wrong kind",
  missing_scope: "it lacks the scope connections:write",
  no_permission: "its app may not do this",
};

/** Throws `slack_auth` in one line when a token is missing or cannot be what its name says. */
export function checkTokenShapes({ botToken, appToken }: SlackTokens): void {
  if (botToken.startsWith("xapp-") && appToken.startsWith("xoxb-")) {
    throw new StewardError("slack_auth", "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped", {
      hint: "The bot token begins with xoxb-, the app token with xapp-.",
    });
  }
  if (!botToken.startsWith("xoxb-"))
    throw refused("SLACK_BOT_TOKEN", botToken ? "it does not begin with xoxb-" : "it is missing");
  if (!appToken.startsWith("xapp-"))
    throw refused("SLACK_APP_TOKEN", appToken ? "it does not begin with xapp-" : "it is missing");
}

/** Asks Slack who we are. Throws `slack_auth`, or `slack_unreachable` where Slack did not answer. */
export async function identify(client: WebClient): Promise<Identity> {
  try {
    const test = await client.auth.test();
    return {
      team: test.team_id ?? "",
      botUser: test.user_id ?? "",
      botId: test.bot_id ?? "",
      scopes: test.response_metadata?.scopes ?? [],
    };
  } catch (error) {
    throw authError("SLACK_BOT_TOKEN", error);
  }
}

/** What a failing first call says about a token. */
export function authError(token: keyof typeof WHERE, error: unknown): StewardError {
  if (error instanceof StewardError) return error;
  const code = error instanceof WebAPIPlatformError ? error.data.error : undefined;
  if (code && code in REASONS) return refused(token, REASONS[code]!, error);
  return new StewardError("slack_unreachable", `Slack cannot be reached: ${(error as Error).message}`, {
    hint: "Check the network, proxy and SLACK_API_URL, then start again.",
    cause: error,
  });
}

function refused(token: keyof typeof WHERE, reason: string, cause?: unknown): StewardError {
  return new StewardError("slack_auth", `Slack refuses ${token}, ${reason}`, { hint: WHERE[token], cause });
}
