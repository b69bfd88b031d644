import type { App } from "@slack/bolt";
import { guarded } from "./guard.ts";
import type { ListenerContext } from "./index.ts";
import { record } from "./record.ts";

/** Longer text is refused by the parser, which needs no more of it than to see that. */
const KEPT_TEXT = 4_000;

export function registerCommands(app: App, context: ListenerContext): void {
  app.command("/ops", async ({ body, ack }) => {
    const work = async () => {
      await record(context, {
        key: `command:${body.trigger_id}`,
        kind: "command",
        actor: { kind: "person", id: body.user_id, team: body.team_id },
        channel: body.channel_id,
        payload: { text: body.text.slice(0, KEPT_TEXT), responseUrl: body.response_url },
      });
      await ack();
    };
    await guarded(context, "command", work, (text) => ack({ response_type: "ephemeral", text }));
  });
}
