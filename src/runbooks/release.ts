import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import type { Json, Plan } from "../journal/types.ts";
import { commitsBetween, fetchMirror, listVersions, newestRelease, resolveVersion } from "../targets/git.ts";
import { resolveRef, worktreeOf } from "../targets/git-branch.ts";
import { fillCommand } from "./arguments.ts";
import { assertVersion } from "./preflight.ts";
import { NeedsDecision, planSteps, type Runbook, type RunbookContext, type Step } from "./runbook.ts";
import { changeStep, inTree, pushStep, startOf, tidyStep, worktreeStep } from "./steps/branch.ts";
import { addToChangelog, changelogSection } from "./steps/changelog.ts";
import { repositoryOf } from "./steps/code.ts";

/**
 * The front half of the guide's update workflow: dependencies, version, changelog, the tests of exactly that commit, then
 * branch and tag in one push. The update to it is asked for next, with an approval of its own.
 */
export const release: Runbook = {
  name: "release",
  version: 1,
  help: "Make a release of the branch's newest commit: dependencies, version, changelog, tests, tag; then the update to it.",
  args: [{ name: "version", required: true, help: "the new version" }],
  rules: (service) => service.runbooks.release,
  plansAgainAfter: ["branch_moved"],
  async plan({ context, service, args }) {
    const version = args.version!;
    if (!service.repository)
      throw new StewardError("not_updatable", `${service.id} declares no repository to release from`, {
        hint: "steward.example.yml shows how.",
      });
    assertVersion(service, version);
    const repository = repositoryOf(context, service);
    await fetchMirror(repository);
    const versions = await listVersions(repository);
    if (versions.includes(version))
      throw new StewardError("version_exists", `${version} is released already`, {
        hint: `The newest: ${versions.slice(0, 5).join(", ")}.`,
      });
    const head = await headOfBranch(context, service);
    const last = newestRelease(versions);
    const commits = last
      ? (await commitsBetween(repository, await resolveVersion(repository, last), head)).added
      : [];
    const branch = `release/${version}`;
    if (await resolveRef(repository, `refs/heads/${branch}`))
      throw new StewardError("version_exists", `The branch ${branch} is there already`, {
        hint: "Remove it, or choose another version.",
      });
    const subject: Plan["subject"] = {
      head,
      branch,
      tag: service.repository.tag.replace("{version}", () => version),
      changes: commits.map((commit) => commit.subject),
      commands: [service.commands.dependencies ?? null, service.commands.bump ?? null] as Json,
      updates: service.after ? `${service.name}@${service.after}` : service.id,
    };
    const plan = { from: last ?? null, to: version, subject };
    return {
      ...plan,
      title: `Release ${service.id} ${version}`,
      risk: "low",
      steps: planSteps(releaseSteps(context, plan, service)),
      context: {
        commits,
        migrations: [],
        backup: "not needed: nothing that runs is changed",
        readings: [],
        undo: "nothing is anybody's before the push, which is the last step; after it there is nothing to undo",
        warnings: [
          ...(commits.length === 0 ? [`Nothing was committed since ${last ?? "the beginning"}`] : []),
          ...(service.commands.test ? [] : ["No tests are declared (commands.test)"]),
        ],
      },
    };
  },
  steps: releaseSteps,
  success: (plan) => `${plan.service} ${plan.to} is released`,
  next: (plan) => ({
    runbook: "update",
    service: String(plan.subject.updates),
    args: { version: plan.to! },
  }),
};

function releaseSteps(context: RunbookContext, plan: Pick<Plan, "to" | "subject">, service: Service): Step[] {
  const { subject } = plan;
  const version = plan.to!;
  const [head = "", branch = "", tag = ""] = [subject.head, subject.branch, subject.tag].map(String);
  const section = (day: string) => changelogSection(version, day, subject.changes as string[]);
  const { dependencies, bump, install, test } = service.commands;
  return [
    worktreeStep(context, service, branch, head),
    changeStep(context, service, {
      name: "prepare",
      title: `Prepare ${version}: ${[dependencies ? "dependencies" : "", bump ? "version" : "", "changelog"].filter(Boolean).join(", ")}`,
      base: head,
      commands: [...(dependencies ? [dependencies] : []), ...(bump ? [fillCommand(bump, { version })] : [])],
      subject: `Release ${version}`,
      at: startOf,
      also: (folder, deed) => addToChangelog(folder, section(startOf(deed).slice(0, 10))),
    }),
    ...(test ? [releaseTestStep(context, service, head, [...(install ? [install] : []), test])] : []),
    pushStep(context, service, {
      title: `Tag ${tag} and push it with branch ${branch}`,
      tag: { name: tag, message: section },
      refs: [`HEAD:refs/heads/${branch}`, `refs/tags/${tag}`],
    }),
    tidyStep(context, service),
  ];
}

/** Tests of the commit that would be released. A failure waits; a new commit on the branch makes a new plan. */
function releaseTestStep(
  context: RunbookContext,
  service: Service,
  head: string,
  commands: string[][],
): Step {
  return {
    name: "test",
    title: "Run the tests",
    commands,
    idempotent: true,
    timeoutMs: service.commandTimeout,
    async run(deed) {
      const repository = repositoryOf(context, service);
      await fetchMirror(repository);
      const now = await headOfBranch(context, service);
      if (now !== head)
        throw new StewardError(
          "branch_moved",
          `${service.repository!.branch} has moved on to ${now.slice(0, 12)}`,
          {
            hint: "It is planned anew from there.",
          },
        );
      try {
        for (const command of commands) await inTree(deed, command, worktreeOf(repository, deed.run));
      } catch (error) {
        if (!(error instanceof StewardError) || error.code !== "command_failed") throw error;
        throw new NeedsDecision("tests_failed", `the tests failed: ${error.message}`, {
          hint: "Push the fix and press Retry, which plans anew; or Undo.",
        });
      }
    },
  };
}

async function headOfBranch(context: RunbookContext, service: Service): Promise<string> {
  const { branch } = service.repository!;
  const head = await resolveRef(repositoryOf(context, service), `refs/heads/${branch}`);
  if (head) return head;
  throw new StewardError("unknown_ref", `The repository of ${service.id} has no branch ${branch}`, {
    hint: "repository.branch in steward.yml names the one that releases are made of.",
  });
}
