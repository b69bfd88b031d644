import type { Service } from "../../config.ts";
import { transaction } from "../../journal/database.ts";
import { listReleases, recordRelease } from "../../journal/releases.ts";
import { listApprovals } from "../../journal/runs.ts";
import type { Json } from "../../journal/types.ts";
import type { Step } from "../runbook.ts";

/** The guide's "update documentation": what runs now, what changed, who asked and approved, which backup. */
export function recordStep(
  service: Service,
  to: { version: string; commit: string | null },
  watchMs: number,
): Step {
  return {
    name: "record",
    title: `Record release ${to.version}`,
    commands: [],
    idempotent: true,
    timeoutMs: 60_000,
    async run(deed) {
      const { plan, run, context } = deed;
      const approvals = await listApprovals(context.journal, run.id);
      const commit = to.commit ?? String(deed.recall("commit"));
      // the environment that comes after this one may want a longer look at it
      const soaks = context.config.services
        .filter((next) => next.name === service.name && next.after === service.environmentName)
        .map((next) => next.soak);
      // a watch of no length still ends, and with its end the next environment is asked for
      const watched = Math.max(watchMs, soaks.length > 0 ? 1 : 0, ...soaks);
      if (watched > 0) deed.remember({ watchUntil: new Date(Date.now() + watched).toISOString() });
      await transaction(context.journal, async (tx) => {
        // The first recorded release needs the one before it, or there would be no way back to it.
        if (
          (await listReleases(tx, service.id, 1)).length === 0 &&
          plan.from &&
          typeof plan.subject.fromCommit === "string"
        ) {
          await recordRelease(tx, {
            service: service.id,
            version: plan.from,
            commit: plan.subject.fromCommit,
            runId: null,
            backupId: null,
            notes: { found: true },
          });
        }
        const backupId = deed.recall("backupId");
        await recordRelease(tx, {
          service: service.id,
          version: to.version,
          commit,
          runId: run.id,
          backupId: typeof backupId === "number" ? backupId : null,
          notes: {
            runbook: plan.runbook,
            from: plan.from,
            commits: plan.context.commits
              .slice(0, 50)
              .map((commit) => `${commit.id.slice(0, 12)} ${commit.subject}`),
            migrations: plan.context.migrations,
            ...branchOf(deed.recall("branch")),
            requestedBy: run.requestedBy.id,
            approvedBy: approvals
              .filter((approval) => approval.decision === "approve" && approval.planHash === run.planHash)
              .map((approval) => approval.actor.id),
          },
          watchMs: watched,
        });
      });
      deed.say(`${service.id} runs ${to.version}.`);
    },
  };
}

function branchOf(branch: Json | undefined): { branch?: string } {
  return typeof branch === "string" ? { branch } : {};
}
