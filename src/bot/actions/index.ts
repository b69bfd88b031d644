import type { Db } from "../../journal/database.ts";
import { loadIncident } from "../../journal/incidents.ts";
import { redrawMessages } from "../../journal/messages.ts";
import { loadRun } from "../../journal/runs.ts";
import type { Actor } from "../../journal/types.ts";
import type { BotContext } from "../context.ts";
import { actOnIncident } from "./incident.ts";
import { actOnRun } from "./run.ts";

/** A click or a submitted form, with the person resolved. */
export interface ActionRequest {
  context: Pick<BotContext, "domain">;
  /** the button's action id, or the form's callback id */
  action: string;
  value: unknown;
  /** a form's text; empty for a click */
  reason: string;
  actor: Actor;
  channel: string;
  intentId: number;
}

/** Carries out what a button or form asks. Throws StewardErrors that are meant for the person. */
export async function act(tx: Db, request: ActionRequest): Promise<void> {
  if (request.action.startsWith("incident_")) await actOnIncident(request.context, tx, request);
  else await actOnRun(request.context, tx, request);
}

/** After a click that was refused: draws the card again where the person looked at an old one. */
export async function refreshCard(tx: Db, action: string, value: unknown): Promise<void> {
  const match = typeof value === "string" ? /^(\d{1,15})\.(\d{1,9})/.exec(value) : null;
  if (!match) return;
  const [id, revision] = [Number(match[1]), Number(match[2])];
  const kind = action.startsWith("incident_") ? "incident" : "run";
  const subject = kind === "run" ? await loadRun(tx, id) : await loadIncident(tx, id);
  if (subject && subject.revision !== revision) await redrawMessages(tx, kind, id);
}
