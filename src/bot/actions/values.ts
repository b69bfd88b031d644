import { StewardError } from "../../errors.ts";

/** What a run's button carries: which run, and the card that the person saw. */
export interface RunValue {
  runId: number;
  revision: number;
  planHash: string;
}

export interface IncidentValue {
  incidentId: number;
  revision: number;
}

/** A button's value as somebody sent it. Throws `bad_button` when it does not have our form. */
export function parseRunValue(value: unknown): RunValue {
  const match = typeof value === "string" ? /^(\d{1,15})\.(\d{1,9})\.([0-9a-f]{12})$/.exec(value) : null;
  if (!match) throw badButton();
  return { runId: Number(match[1]), revision: Number(match[2]), planHash: match[3]! };
}

export function parseIncidentValue(value: unknown): IncidentValue {
  const match = typeof value === "string" ? /^(\d{1,15})\.(\d{1,9})$/.exec(value) : null;
  if (!match) throw badButton();
  return { incidentId: Number(match[1]), revision: Number(match[2]) };
}

function badButton(): StewardError {
  return new StewardError("bad_button", "That button is not one that Steward knows", {
    hint: "Use the newest card, or /ops help.",
  });
}
