import { type App, SocketModeReceiver } from "@slack/bolt";
import type { Log } from "../log.ts";
import { authError } from "./auth.ts";
import { clientOptions, slackLogger } from "./clients.ts";
import type { InFlight } from "./listeners/guard.ts";

export interface Socket {
  receiver: SocketModeReceiver;
  /** Connects and keeps connected from then on; throws when the first connection fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const HELLO_WITHIN_MS = 15_000;
const LONGEST_WAIT_MS = 5_000;
/** Slack itself closes soon after its goodbye */
const GOODBYE_MS = 500;

/**
 * A Socket Mode connection that is supervised from here: the client's own way back waits five seconds at
 * each planned reconnect, and its failures end the process.
 */
export function createSocket(
  slack: { appToken: string; apiUrl?: string },
  log: Log,
  inFlight: Pick<InFlight, "drain">,
): Socket {
  const receiver = new SocketModeReceiver({
    appToken: slack.appToken,
    logger: slackLogger(log),
    autoReconnectEnabled: false,
    installerOptions: { clientOptions: clientOptions(slack.apiUrl, 8_000, log) },
  });
  const { client } = receiver;
  takeFrames(client, log, inFlight);
  let stopped = false;
  let connecting = false;
  let timer: NodeJS.Timeout | undefined;

  const connect = async () => {
    connecting = true;
    try {
      await within(HELLO_WITHIN_MS, receiver.start());
    } finally {
      connecting = false;
    }
  };
  const reconnect = (failures: number) => {
    clearTimeout(timer);
    if (stopped) return;
    const waitMs = failures === 0 ? 0 : Math.min(200 * 2 ** (failures - 1), LONGEST_WAIT_MS);
    timer = setTimeout(() => {
      connect().catch((error: Error) => {
        log.warn({ failures: failures + 1, reason: error?.message }, "no connection to Slack, trying again");
        reconnect(failures + 1);
      });
    }, waitMs);
  };
  // while connecting, the failure comes as a rejection
  client.on("disconnected", () => {
    if (!connecting) reconnect(0);
  });

  return {
    receiver,
    async start() {
      try {
        await connect();
      } catch (error) {
        throw authError("SLACK_APP_TOKEN", error ?? new Error("the connection was closed"));
      }
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await Promise.race([client.disconnect(), new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
    },
  };
}

/** The two together: Slack renews connections one at a time, so one of them always stands. */
export function attach(app: App, sockets: Socket[]): void {
  for (const { receiver } of sockets) receiver.init(app);
}

/**
 * Hands frames to the client with two things mended: a frame that it does not expect rejects inside its
 * listener, which would end the process; and a goodbye from Slack closes the socket at once, which would
 * lose the acknowledgements of what is being handled.
 */
function takeFrames(client: SocketModeReceiver["client"], log: Log, inFlight: Pick<InFlight, "drain">): void {
  const handle = (
    client as unknown as { onWebSocketMessage(data: unknown, isBinary: boolean): Promise<void> }
  ).onWebSocketMessage;
  const take = async (data: unknown, isBinary: boolean) => {
    if (typeof data === "string" && data.length < 1_000 && data.includes('"disconnect"'))
      await inFlight.drain(GOODBYE_MS);
    await handle.call(client, data, isBinary);
  };
  client.removeAllListeners("ws_message");
  client.on("ws_message", (data: unknown, isBinary: boolean) => {
    take(data, isBinary).catch((error: Error) =>
      log.warn({ reason: error.message }, "a frame from Slack was not understood"),
    );
  });
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Slack said no hello within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
