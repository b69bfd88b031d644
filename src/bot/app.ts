import { App } from "@slack/bolt";
import type { Config } from "../config.ts";
import type { Journal } from "../journal/database.ts";
import type { Actor } from "../journal/types.ts";
import type { Log } from "../log.ts";
import type { Redact } from "../redact.ts";
import { authError, checkTokenShapes, identify } from "./auth.ts";
import { resolveChannels } from "./channels.ts";
import { clientOptions, createClients, slackLogger } from "./clients.ts";
import type { BotContext } from "./context.ts";
import { startDispatch } from "./dispatch.ts";
import type { Domain } from "./domain.ts";
import { createInFlight } from "./listeners/guard.ts";
import { registerListeners } from "./listeners/index.ts";
import { createPeople } from "./people.ts";
import { startPublisher } from "./publish.ts";
import { attach, createSocket } from "./sockets.ts";

export interface BotOptions {
  slack: { botToken: string; appToken: string; apiUrl?: string };
  journal: Journal;
  config: Config;
  domain: Domain;
  log: Log;
  redact: Redact;
}

export interface Bot {
  /** the person as Slack knows them now; unchanged while Slack does not answer */
  asOfNow(actor: Actor): Promise<Actor>;
  stop(): Promise<void>;
}

const DRAIN_MS = 5_000;
/** What is being acknowledged is let finish before the sockets close. */
const GOODBYE_MS = 1_000;

/**
 * Connects to Slack: hears people, carries out what they ask, and publishes what the journal says. Throws
 * `slack_auth`, `slack_unreachable`, `channel_missing`, `channel_closed` or `channel_shared`, each in a line
 * that says what to do.
 */
export async function startBot({ slack, ...house }: BotOptions): Promise<Bot> {
  const { log, config } = house;
  checkTokenShapes(slack);
  const clients = createClients(slack, log);
  const { team } = await identify(clients.reading);
  const channels = await resolveChannels(clients.reading, config).catch((error) => {
    throw authError("SLACK_BOT_TOKEN", error);
  });
  const people = createPeople(clients.reading, config, team, log);
  const context: BotContext = { ...house, clients, people, channels, team };
  const inFlight = createInFlight();

  // Slack renews connections one at a time: of two, one always stands
  const sockets = [createSocket(slack, log, inFlight), createSocket(slack, log, inFlight)];
  const app = new App({
    token: slack.botToken,
    receiver: sockets[0]!.receiver,
    deferInitialization: true,
    convoStore: false,
    logger: slackLogger(log),
    clientOptions: clientOptions(slack.apiUrl, 2_500, log),
  });
  await app.init().catch((error) => {
    throw authError("SLACK_BOT_TOKEN", error);
  });
  attach(app, sockets.slice(1));
  registerListeners(app, { ...context, inFlight });

  const started = await Promise.allSettled(sockets.map((socket) => socket.start()));
  const failed = started.find((result) => result.status === "rejected");
  if (failed) {
    await Promise.all(sockets.map((socket) => socket.stop()));
    throw failed.reason;
  }
  const dispatch = startDispatch(context);
  const publisher = startPublisher(context);
  return {
    async asOfNow(actor) {
      if (actor.kind !== "person") return actor;
      try {
        return (await people.resolve(actor, true)).actor;
      } catch (error) {
        // what was right when they clicked stands while Slack says nothing else
        log.warn(
          { reason: (error as Error).message, person: actor.id },
          "a role could not be looked up again",
        );
        return actor;
      }
    },
    async stop() {
      await inFlight.drain(GOODBYE_MS);
      await Promise.all(sockets.map((socket) => socket.stop()));
      await inFlight.drain(DRAIN_MS);
      await dispatch.stop();
      await publisher.stop();
    },
  };
}
