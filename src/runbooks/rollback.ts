import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listReleases } from "../journal/releases.ts";
import type { Json, Plan, Release } from "../journal/types.ts";
import { changedFiles, commitsBetween, fetchMirror, readCheckout, resolveVersion } from "../targets/git.ts";
import { type PlanInput, planSteps, type Runbook, type RunbookContext, type Step } from "./runbook.ts";
import { checkoutStep, installStep, repositoryOf, wayBackStep } from "./steps/code.ts";
import { recordStep } from "./steps/record.ts";
import { restartCommands, restartStep } from "./steps/restart.ts";
import { verifyStep } from "./steps/verify.ts";

/**
 * Back to a recorded release: code and dependencies. The database stays as it is, so nothing that was
 * written since is lost; the card names the migrations that the older code has to live with. It is a cure:
 * a remote that is down does not stand in its way.
 */
export const rollback: Runbook = {
  name: "rollback",
  version: 1,
  help: "Bring a service back to the release before, or to a named one. The database stays as it is.",
  args: [{ name: "version", required: false, help: "a recorded release; without it the one before" }],
  rules: (service) => service.runbooks.rollback,
  async plan({ context, service, args }) {
    if (!service.repository || restartCommands(service).length === 0) {
      throw new StewardError(
        "not_updatable",
        `${service.id} cannot be rolled back: steward.yml does not declare its repository and commands.restart`,
        {
          hint: "steward.example.yml shows how.",
        },
      );
    }
    const repository = repositoryOf(context, service);
    const unreachable = await fetchMirror(repository).then(
      () => [],
      (error: Error) => [`The remote does not answer; what was fetched before is used (${error.message})`],
    );
    const checkout = await readCheckout(repository);
    const to = await chooseRelease({ context, service, args }, checkout.commit);
    const commits = await commitsBetween(repository, checkout.commit, to.commit);
    const migrations = service.repository.migrations
      ? await changedFiles(repository, to.commit, checkout.commit, service.repository.migrations)
      : [];
    const plan = {
      from: checkout.version,
      to: to.version,
      subject: {
        fromCommit: checkout.commit,
        toCommit: to.commit,
        verify: { ...service.runbooks.rollback } as unknown as Json,
      },
    };
    return {
      ...plan,
      title: `Roll ${service.id} back ${checkout.version ?? checkout.commit.slice(0, 12)} → ${to.version}`,
      risk: migrations.length > 0 ? "high" : "medium",
      steps: planSteps(rollbackSteps(context, plan, service)),
      context: {
        commits: commits.dropped,
        migrations: [],
        backup: "not needed: the database stays as it is",
        readings: (await context.measure(service)).map(({ state, summary }) => ({ state, summary })),
        undo: `${checkout.version ?? "the running commit"} comes back by itself if ${to.version} does not turn healthy`,
        warnings: [
          ...unreachable,
          ...(migrations.length > 0
            ? [`${to.version} has to live with these migrations: ${migrations.join(", ")}`]
            : []),
        ],
      },
    };
  },
  steps: rollbackSteps,
  success: (plan) => `${plan.service} runs ${plan.to} again`,
};

function rollbackSteps(
  context: RunbookContext,
  plan: Pick<Plan, "from" | "to" | "subject">,
  service: Service,
): Step[] {
  const from = { version: plan.from, commit: String(plan.subject.fromCommit) };
  const to = { version: plan.to, commit: String(plan.subject.toCommit) };
  return [
    wayBackStep(service, from),
    checkoutStep(context, service, { from, to }),
    ...(service.commands.install ? [installStep(service)] : []),
    restartStep(service),
    verifyStep(service, service.runbooks.rollback, plan.to),
    recordStep(service, { version: plan.to!, commit: to.commit }),
  ];
}

/** The named release, or the newest recorded one that is not what runs. */
async function chooseRelease(
  { context, service, args }: PlanInput,
  running: string,
): Promise<Pick<Release, "version" | "commit">> {
  const releases = await listReleases(context.journal, service.id, 50);
  const known = [...new Set(releases.map((release) => release.version))];
  if (args.version !== undefined) {
    const recorded = releases.find((release) => release.version === args.version);
    const commit = recorded?.commit ?? (await resolveVersion(repositoryOf(context, service), args.version));
    if (commit === running)
      throw new StewardError("already_running", `${service.id} runs ${args.version} already`, {
        hint: "/ops status shows what runs.",
      });
    return { version: args.version, commit };
  }
  // The release before is the one that the running one replaced; after a rollback that is older still.
  const current = releases.find((release) => release.commit === running);
  const before = releases.find(
    (release) => release.commit !== running && (!current || release.id < firstOf(releases, running).id),
  );
  if (before) return before;
  throw new StewardError("no_earlier_release", `${service.id} has no earlier release on record`, {
    hint: `Name one: /ops rollback ${service.id} VERSION${known.length ? ` (recorded: ${known.join(", ")})` : ""}`,
  });
}

/** The oldest record of a commit. */
function firstOf(releases: Release[], commit: string): Release {
  return releases.findLast((release) => release.commit === commit)!;
}
