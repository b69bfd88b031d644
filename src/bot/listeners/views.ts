/** Modals: what needs a trigger is opened at once, since a trigger lives for three seconds. */
import type { ModalView } from "@slack/types";
import { StewardError } from "../../errors.ts";
import { listEvents } from "../../journal/events.ts";
import { listMembers } from "../../journal/incidents.ts";
import type { Actor } from "../../journal/types.ts";
import { parseIncidentValue, parseRunValue } from "../actions/values.ts";
import { knownIncident } from "../commands/incident.ts";
import { knownRun } from "../commands/run.ts";
import { breakForm, rejectForm, resolveForm } from "../present/forms.ts";
import { presentNotice } from "../present/notice.ts";
import { presentRunDetails } from "../present/run-details.ts";
import { runTitle } from "../present/run-words.ts";
import { presentTimeline } from "../present/timeline.ts";
import { loadRunView } from "../publisher/load.ts";
import type { ListenerContext } from "./index.ts";

const VIEWS = ["run_details", "run_reject", "run_break", "incident_resolve", "incident_timeline"];

export function isView(action: string): boolean {
  return VIEWS.includes(action);
}

/** What a form's submission has to know of the click that opened it: ids only, since people can read it. */
export interface FormMetadata {
  value: string;
  channel: string | null;
}

export interface ViewRequest {
  actor: Actor;
  channel: string | null;
  triggerId: string;
  action: string;
  value: unknown;
  responseUrl: string | undefined;
}

/** Opens the form or the details that a click asks for. What is not allowed is told to the person. */
export async function openView(context: ListenerContext, request: ViewRequest): Promise<void> {
  try {
    const { external } = await context.people.resolve(request.actor, false);
    if (external) throw new StewardError("not_ours", "Steward answers people of its own workspace only");
    const view = await draw(context, request);
    await context.clients.interactive.views.open({
      trigger_id: request.triggerId,
      view: hidden(view, context.redact),
    });
  } catch (error) {
    if (!(error instanceof StewardError)) throw error;
    await tell(context, request, error);
  }
}

async function draw(context: ListenerContext, { action, value, channel }: ViewRequest): Promise<ModalView> {
  const { journal } = context;
  if (action.startsWith("run_")) {
    const { runId } = parseRunValue(value);
    const run = await knownRun(journal, runId);
    const metadata: FormMetadata = { value: String(value), channel };
    if (action === "run_reject")
      return rejectForm(JSON.stringify(metadata), { id: runId, title: runTitle(run) });
    if (action === "run_break")
      return breakForm(JSON.stringify(metadata), { id: runId, title: runTitle(run) });
    return presentRunDetails(await loadRunView(context, run));
  }
  const { incidentId } = parseIncidentValue(value);
  const incident = await knownIncident(journal, incidentId);
  const metadata: FormMetadata = { value: String(value), channel };
  if (action === "incident_resolve")
    return resolveForm(JSON.stringify(metadata), {
      id: incidentId,
      title: `${incident.service}: ${incident.title}`,
    });
  return presentTimeline(
    incident,
    await listMembers(journal, incidentId),
    await listEvents(journal, { kind: "incident", id: incidentId }),
  );
}

async function tell(
  { clients }: ListenerContext,
  { actor, channel }: ViewRequest,
  error: StewardError,
): Promise<void> {
  const { text, blocks } = presentNotice({
    kind: "error",
    data: { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) },
  });
  if (channel) await clients.interactive.chat.postEphemeral({ channel, user: actor.id, text, blocks });
}

function hidden(view: ModalView, redact: (text: string) => string): ModalView {
  const blocks = JSON.parse(JSON.stringify(view.blocks), (key, value) =>
    key === "text" && typeof value === "string" ? redact(value) : value,
  );
  return { ...view, blocks };
}
