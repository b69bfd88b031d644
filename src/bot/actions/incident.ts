import { StewardError } from "../../errors.ts";
import type { Db } from "../../journal/database.ts";
import { knownIncident } from "../commands/incident.ts";
import type { ActionRequest } from "./index.ts";
import { parseIncidentValue } from "./values.ts";

/** A click on an incident's message, or the form that a click opened. */
export async function actOnIncident(
  { domain }: Pick<ActionRequest["context"], "domain">,
  tx: Db,
  request: ActionRequest,
): Promise<void> {
  const { actor, action, channel, intentId } = request;
  const { incidentId: id } = parseIncidentValue(request.value);
  const incident = await knownIncident(tx, id);
  switch (action) {
    case "incident_ack":
      await domain.acknowledgeIncident(tx, { id, actor });
      return;
    case "incident_resolve_form":
      await domain.resolveIncident(tx, { id, actor, reason: request.reason });
      return;
    case "incident_runbook": {
      if (incident.state === "resolved") {
        throw new StewardError(
          "incident_resolved",
          `Incident ${id} is resolved, so there is nothing to run`,
          { hint: "/ops help lists the runbooks." },
        );
      }
      const recommended = await domain.recommendedRunbook(tx, incident);
      if (!recommended)
        throw new StewardError(
          "nothing_recommended",
          `No runbook is recommended for incident ${id} any more`,
          { hint: "/ops help lists the runbooks." },
        );
      await domain.requestRun(tx, {
        ...recommended,
        service: incident.service,
        actor,
        channel,
        intentId,
        showOnly: false,
        incident: { id },
      });
      return;
    }
    default:
      throw new StewardError("bad_button", `'${action.slice(0, 60)}' is not a button that Steward knows`, {
        hint: "Use the newest card, or /ops help.",
      });
  }
}
