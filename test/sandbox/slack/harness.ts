/** A stand-in and real Bolt apps on it, stopped after each test. */
import { App, LogLevel, SocketModeReceiver } from "@slack/bolt";
import { WebClient } from "@slack/web-api";
import { afterEach } from "vitest";
import {
  type SlackStandIn,
  type SlackStandInOptions,
  startSlack,
} from "../../../src/sandbox/slack/server.ts";

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

export async function standIn(options: Partial<SlackStandInOptions> = {}): Promise<SlackStandIn> {
  const slack = await startSlack({ port: 0, ...options });
  ends.push(() => slack.stop());
  return slack;
}

/**
 * A connected Bolt app; `prepare` adds its listeners before it starts. `pingTimeoutMs` is how long it waits
 * for a pong, and before it connects anew: short makes reconnects quick, but a busy machine then causes them.
 */
export async function boltApp(
  slack: SlackStandIn,
  prepare: (app: App) => void,
  pingTimeoutMs = 20_000,
): Promise<App> {
  const receiver = new SocketModeReceiver({
    appToken: slack.appToken,
    clientPingTimeout: pingTimeoutMs,
    logLevel: LogLevel.ERROR,
    installerOptions: { clientOptions: { slackApiUrl: slack.apiUrl } },
  });
  const app = new App({
    token: slack.botToken,
    receiver,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } },
  });
  prepare(app);
  await app.start();
  ends.push(async () => {
    const before = slack.state().connections;
    await app.stop();
    await slack.until("the app's socket closed", () => slack.state().connections < Math.max(1, before));
  });
  return app;
}

/** A client that says failures at once. */
export function webClient(slack: SlackStandIn, token: string = slack.botToken): WebClient {
  return new WebClient(token, {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    logLevel: LogLevel.ERROR as never,
    logger: {
      debug() {},
      info() {},
      warn() {},
      error() {},
      setLevel() {},
      getLevel: () => LogLevel.ERROR as never,
      setName() {},
    },
    rejectRateLimitedCalls: true,
  });
}

/** The error code of a call that must fail. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { data, code } = error as { data?: { error?: string }; code?: string };
    return data?.error ?? code ?? String(error);
  }
  throw new Error("the call was expected to fail");
}

export function plain(text: string) {
  return { type: "plain_text" as const, text };
}

export function button(actionId: string, value: string) {
  return { type: "button" as const, text: plain(actionId), action_id: actionId, value };
}
