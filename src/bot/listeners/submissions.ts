import type { App } from "@slack/bolt";
import { REASON } from "../present/forms.ts";
import { actorOf } from "./actions.ts";
import { guarded } from "./guard.ts";
import type { ListenerContext } from "./index.ts";
import { record } from "./record.ts";
import type { FormMetadata } from "./views.ts";

export function registerSubmissions(app: App, context: ListenerContext): void {
  app.view(
    { callback_id: /^(run_reject|run_break|incident_resolve)_form$/, type: "view_submission" },
    async ({ body, view, ack }) => {
      const work = async () => {
        const metadata = parseMetadata(view.private_metadata);
        await record(context, {
          key: `submission:${view.id}:${view.hash}`,
          kind: "submission",
          actor: actorOf(body),
          channel: metadata.channel,
          payload: {
            action: view.callback_id,
            value: metadata.value,
            reason: (view.state.values[REASON.block]?.[REASON.action]?.value ?? "").slice(0, 2_000),
          },
        });
        await ack();
      };
      await guarded(context, "submission", work, (text) =>
        ack({ response_action: "errors", errors: { [REASON.block]: text } }),
      );
    },
  );
}

/** Read as what anybody might have sent; the dispatcher checks the ids against the journal. */
function parseMetadata(text: string): FormMetadata {
  const parsed = JSON.parse(text) as Partial<FormMetadata> | null;
  return {
    value: typeof parsed?.value === "string" ? parsed.value : "",
    channel:
      typeof parsed?.channel === "string" && /^[CGD][A-Z0-9]{2,30}$/.test(parsed.channel)
        ? parsed.channel
        : null,
  };
}
