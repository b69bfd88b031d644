import type { App } from "@slack/bolt";
import type { BotContext } from "../context.ts";
import { registerActions } from "./actions.ts";
import { registerCommands } from "./commands.ts";
import type { InFlight } from "./guard.ts";
import { registerSubmissions } from "./submissions.ts";

export type ListenerContext = BotContext & { inFlight: InFlight };

export function registerListeners(app: App, context: ListenerContext): void {
  registerCommands(app, context);
  registerActions(app, context);
  registerSubmissions(app, context);
  app.error(async (error) => context.log.error({ err: error }, "an envelope from Slack was not handled"));
}
