import { transaction } from "../journal/database.ts";
import { findMessage, say } from "../journal/messages.ts";
import { lockRun, moveRun, unremindedRuns } from "../journal/runs.ts";
import { findRunbook } from "./requests.ts";
import type { RunbookContext } from "./runbook.ts";

/** Once half of its time is over, those who may approve a waiting run are reminded: once, in its thread. */
export async function remindApprovers(context: RunbookContext): Promise<void> {
  const { config, journal } = context;
  for (const { id, ...run } of await unremindedRuns(journal)) {
    const service = config.services.find((known) => known.id === run.service);
    if (!service || !run.plan || !run.expiresAt) continue;
    const half = run.expiresAt.getTime() - findRunbook(context, run.runbook).rules(service).expires / 2;
    if (Date.now() < half) continue;
    await transaction(journal, async (tx) => {
      const now = await lockRun(tx, id);
      const card = await findMessage(tx, "run", id);
      if (now?.state !== "awaiting_approval" || now.remindedAt || !now.expiresAt || !card) return;
      await moveRun(tx, id, ["awaiting_approval"], "awaiting_approval", { remindedAt: new Date() });
      const approvers = config.roles.approver ?? { users: [], groups: [] };
      await say(
        tx,
        "approval-reminder",
        {
          runId: id,
          title: now.plan?.title ?? "",
          expiresAt: now.expiresAt.toISOString(),
          approvers: { users: [...approvers.users], groups: [...approvers.groups] },
        },
        { channel: card.channel, threadOf: card.threadOf ?? card.id, urgent: true },
      );
    });
  }
}
