import type { ModalView } from "@slack/types";
import { plain } from "./text.ts";

/** Where a form's one input stands: block and action of the reason. */
export const REASON = { block: "reason", action: "text" } as const;

/** `metadata` holds ids only. */
export function rejectForm(metadata: string, run: { id: number; title: string }): ModalView {
  return reasonForm("run_reject_form", metadata, {
    title: `Reject run ${run.id}`,
    submit: "Reject",
    about: run.title,
    label: "Why? A rejection is final, and whoever asked will read this.",
  });
}

/** `metadata` holds ids only. */
export function breakForm(metadata: string, run: { id: number; title: string }): ModalView {
  return reasonForm("run_break_form", metadata, {
    title: `Break glass: run ${run.id}`,
    submit: "Start it now",
    about: `${run.title}\n\nIt starts at once, without a second person. The run is marked for good, #incidents is told, and somebody else has to review it within 24 hours.`,
    label: "Why can it not wait for an approval?",
  });
}

/** `metadata` holds ids only. */
export function resolveForm(metadata: string, incident: { id: number; title: string }): ModalView {
  return reasonForm("incident_resolve_form", metadata, {
    title: `Resolve ${incident.id}`,
    submit: "Resolve",
    about: incident.title,
    label: "How was it resolved? If the checks still fail, say why it may be closed.",
  });
}

function reasonForm(
  callbackId: string,
  metadata: string,
  words: { title: string; submit: string; about: string; label: string },
): ModalView {
  return {
    type: "modal",
    callback_id: callbackId,
    private_metadata: metadata,
    title: { type: "plain_text", text: plain(words.title, 24) },
    submit: { type: "plain_text", text: words.submit },
    close: { type: "plain_text", text: "Back" },
    blocks: [
      { type: "section", text: { type: "plain_text", text: plain(words.about, 1_000), emoji: false } },
      {
        type: "input",
        block_id: REASON.block,
        label: { type: "plain_text", text: words.label },
        element: {
          type: "plain_text_input",
          action_id: REASON.action,
          multiline: true,
          min_length: 3,
          max_length: 1_000,
          focus_on_load: true,
        },
      },
    ],
  };
}
