import type { App, BlockAction, ButtonAction } from "@slack/bolt";
import type { Actor } from "../../journal/types.ts";
import { guarded } from "./guard.ts";
import type { ListenerContext } from "./index.ts";
import { record } from "./record.ts";
import { isView, openView } from "./views.ts";

export function registerActions(app: App, context: ListenerContext): void {
  app.action<BlockAction<ButtonAction>>(
    { action_id: /^(run|incident)_[a-z0-9_]{1,20}$/, type: "block_actions" },
    async ({ body, action, ack, respond }) => {
      const actor = actorOf(body);
      const channel = body.channel?.id ?? null;
      const work = async () => {
        if (isView(action.action_id)) {
          await ack();
          await openView(context, {
            actor,
            channel,
            triggerId: body.trigger_id,
            action: action.action_id,
            value: action.value,
            responseUrl: body.response_url,
          });
          return;
        }
        await record(context, {
          key: actionKey(body, action),
          kind: "action",
          actor,
          channel,
          payload: {
            action: action.action_id,
            value: action.value ?? "",
            responseUrl: body.response_url ?? "",
          },
        });
        await ack();
      };
      await guarded(context, "action", work, async (text) => {
        await ack();
        await respond({ response_type: "ephemeral", replace_original: false, text });
      });
    },
  );
}

/** Who really clicked: never a name, never a button's value. Of another team, where it says so. */
export function actorOf(body: {
  user: { id: string; team_id?: string };
  team: { id: string } | null;
}): Actor {
  return { kind: "person", id: body.user.id, team: body.user.team_id ?? body.team?.id };
}

function actionKey(body: BlockAction, action: ButtonAction): string {
  if (body.trigger_id) return `action:${body.trigger_id}`;
  return `action:${body.user.id}:${body.container?.message_ts ?? ""}:${action.action_id}:${action.action_ts}`;
}
