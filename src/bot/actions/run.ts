import { StewardError } from "../../errors.ts";
import type { Db } from "../../journal/database.ts";
import type { Decision } from "../../journal/types.ts";
import { knownRun } from "../commands/run.ts";
import type { ActionRequest } from "./index.ts";
import { parseRunValue } from "./values.ts";

/** A click on a run's card, or the form that a click opened. All but the id and the hash comes from the journal. */
export async function actOnRun(
  { domain }: Pick<ActionRequest["context"], "domain">,
  tx: Db,
  request: ActionRequest,
): Promise<void> {
  const { actor } = request;
  const clicked = parseRunValue(request.value);
  const { runId } = clicked;
  const run = await knownRun(tx, runId);
  // the whole hash where the card still shows the run's plan; else what it showed, which the rules refuse
  const planHash = run.planHash?.startsWith(clicked.planHash) ? run.planHash : clicked.planHash;
  switch (request.action) {
    case "run_approve":
      await domain.decideApproval(tx, { runId, planHash, actor, decision: "approve", reason: null });
      return;
    case "run_reject_form":
      await domain.decideApproval(tx, { runId, planHash, actor, decision: "reject", reason: request.reason });
      return;
    case "run_break_form":
      await domain.breakGlass(tx, { runId, planHash, actor, reason: request.reason });
      return;
    case "run_review":
      await domain.reviewRun(tx, { runId, actor });
      return;
    case "run_cancel":
      await domain.cancelRun(tx, { runId, actor });
      return;
    case "run_retry":
    case "run_skip":
    case "run_undo":
    case "run_abandon":
      if (run.state === "needs_decision" && run.revision !== clicked.revision) throw changed(runId);
      await domain.decideStuck(tx, { runId, actor, choice: request.action.slice("run_".length) as Decision });
      return;
    default: {
      const index = /^run_choose_(\d{1,2})$/.exec(request.action)?.[1];
      if (index !== undefined) {
        await domain.chooseAlternative(tx, { runId, planHash, index: Number(index), actor });
        return;
      }
      throw new StewardError(
        "bad_button",
        `'${request.action.slice(0, 60)}' is not a button that Steward knows`,
        { hint: "Use the newest card, or /ops help." },
      );
    }
  }
}

/** The same question may stand there for another step by now. */
function changed(runId: number): StewardError {
  return new StewardError("card_changed", `Run ${runId} has moved on since that card was drawn`, {
    hint: "Read the new card, then decide again.",
  });
}
