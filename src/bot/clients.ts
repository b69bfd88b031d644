import type { Logger, LogLevel } from "@slack/bolt";
import { WebClient, type WebClientOptions } from "@slack/web-api";
import type { Log } from "../log.ts";

/**
 * Separate clients, since one that meets a limit may hold up all its other calls: `interactive` for what a
 * person waits for, `publishing` for messages, `reading` for look-ups. None repeats a call by itself: a
 * repeated post is a second message.
 */
export interface Clients {
  interactive: WebClient;
  publishing: WebClient;
  reading: WebClient;
}

export function createClients(slack: { botToken: string; apiUrl?: string }, log: Log): Clients {
  const client = (timeout: number) =>
    new WebClient(slack.botToken, clientOptions(slack.apiUrl, timeout, log));
  return { interactive: client(2_500), publishing: client(10_000), reading: client(4_000) };
}

/** Made anew for each client: Bolt's socket client writes into the options that it is given. */
export function clientOptions(apiUrl: string | undefined, timeout: number, log: Log): WebClientOptions {
  return {
    ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
    timeout,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: slackLogger(log),
  };
}

/** Slack's packages log into ours; their debug lines hold whole payloads and are left out. */
export function slackLogger(log: Log): Logger {
  const text = (parts: unknown[]) =>
    parts.map((part) => (part instanceof Error ? part.message : String(part))).join(" ");
  return {
    debug: () => {},
    info: (...parts) => log.debug({ from: "slack" }, text(parts)),
    warn: (...parts) => log.warn({ from: "slack" }, text(parts)),
    error: (...parts) => log.error({ from: "slack" }, text(parts)),
    setLevel: () => {},
    getLevel: () => "info" as LogLevel,
    setName: () => {},
  };
}
