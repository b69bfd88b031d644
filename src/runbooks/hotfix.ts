import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listBackups } from "../journal/releases.ts";
import type { Json, Plan } from "../journal/types.ts";
import { changedFiles, fetchMirror, filesAt, type Repository, readCheckout } from "../targets/git.ts";
import { aboutCommit, cherryPickCommand, isAncestor, resolveRef, tryPick } from "../targets/git-branch.ts";
import { fillCommand } from "./arguments.ts";
import { downCommand } from "./migrations.ts";
import {
  assertRoom,
  assertUpdatable,
  backupLine,
  databaseWarnings,
  dirty,
  fleetWarnings,
  holdsWrites,
  runningVersion,
} from "./preflight.ts";
import { planSteps, type Runbook, type RunbookContext, type Step } from "./runbook.ts";
import { backupParts, backupStep, backupWarnings } from "./steps/backup.ts";
import { changeStep, FOLDER, pushStep, startOf, tidyStep, worktreeStep } from "./steps/branch.ts";
import { repositoryOf, testStep, wayBackStep } from "./steps/code.ts";
import { acceptWritesStep, holdWritesStep, migrateStep } from "./steps/database.ts";
import { deploySteps, fleetPlan } from "./steps/deploy.ts";
import { recordStep } from "./steps/record.ts";
import { verifyStep } from "./steps/verify.ts";

const PACKAGE = /^((?:@[A-Za-z0-9][\w.-]*\/)?[A-Za-z0-9][\w.-]*)@([A-Za-z0-9][\w.+-]*)$/;

/** One commit, or one dependency, onto what runs: without waiting for a release. Its branch is kept. */
export const hotfix: Runbook = {
  name: "hotfix",
  version: 1,
  help: "Put one commit, or one PACKAGE@VERSION, on top of what runs: branch, tests, deploy, verify; undone by itself when it fails.",
  args: [
    {
      name: "ref",
      required: true,
      help: "a commit, branch or tag of the repository, or PACKAGE@VERSION",
      pattern: /@?[A-Za-z0-9][\w./+-]{0,99}(?:@[A-Za-z0-9][\w.+-]{0,63})?/,
      allowed: "a commit, branch, tag or PACKAGE@VERSION",
    },
  ],
  cure: true,
  rules: (service) => service.runbooks.hotfix,
  async plan({ context, service, args }) {
    assertUpdatable(service, "mended");
    const repository = repositoryOf(context, service);
    await fetchMirror(repository);
    const checkout = await readCheckout(repository);
    if (checkout.dirty.length > 0) throw dirty(service.id, checkout.dirty);
    await assertRoom(context, service);
    const change = await readChange(service, repository, args.ref!, checkout.commit);
    const running = (await runningVersion(context, service, checkout)) ?? checkout.commit.slice(0, 12);
    const branch = await freeBranch(repository, `hotfix/${running}-${change.label}`);
    const migrates = Boolean(service.commands.migrate && change.migrations.length > 0);
    const subject: Plan["subject"] = {
      fromCommit: checkout.commit,
      branch,
      change: change.does as unknown as Json,
      migrations: change.migrations,
      migrates,
      down: migrates ? await downOf(service, repository, checkout, change.migrations) : null,
      holdsWrites: holdsWrites(service),
      verify: { ...service.runbooks.hotfix } as unknown as Json,
      ...fleetPlan(service, migrates),
    };
    const plan = { from: running, to: `${running}+${change.label}`, subject };
    const [backup] = await listBackups(context.journal, service.id, 1);
    return {
      ...plan,
      title: `Hotfix ${service.id} ${running}: ${change.subject}`,
      risk: migrates ? "high" : "medium",
      steps: planSteps(hotfixSteps(context, plan, service)),
      context: {
        commits: change.commits,
        migrations: change.migrations,
        backup: `${backupLine(backup)}; this run ${backupParts(service).length ? "takes one first" : "takes none"}`,
        readings: (await context.measure(service)).map(({ state, summary }) => ({ state, summary })),
        undo: `${running} comes back by itself; branch ${branch} is kept`,
        warnings: [
          ...(await fleetWarnings(context, service, checkout.commit)),
          ...(await databaseWarnings(context, service)),
          ...backupWarnings(service),
          ...(service.commands.test ? [] : ["No tests are declared (commands.test)"]),
        ],
      },
    };
  },
  steps: hotfixSteps,
  success: (plan) => `${plan.service} runs ${plan.to}; branch ${String(plan.subject.branch)} is kept`,
};

/** What is put on top: a commit to pick, or a package to pin. */
type Change = { pick: string; at: string } | { pin: string[]; subject: string };

function hotfixSteps(
  context: RunbookContext,
  plan: Pick<Plan, "from" | "to" | "subject">,
  service: Service,
): Step[] {
  const { subject } = plan;
  const base = String(subject.fromCommit);
  const branch = String(subject.branch);
  const change = subject.change as unknown as Change;
  const from = { version: plan.from, commit: base };
  const to = { version: plan.to, commit: null, branch };
  const rules = service.runbooks.hotfix;
  const migrates = subject.migrates === true;
  const holds = migrates && subject.holdsWrites === true;
  const middle = [
    ...(service.commands.test ? [testStep(service)] : []),
    ...(migrates ? [migrateStep(service, subject.down as string[] | null)] : []),
  ];
  return [
    worktreeStep(context, service, branch, base),
    "pick" in change
      ? changeStep(context, service, {
          name: "apply",
          title: `Apply commit ${change.pick.slice(0, 12)}`,
          base,
          commands: [cherryPickCommand(FOLDER, change.pick)],
          commits: true,
          subject: "",
          at: () => change.at,
        })
      : changeStep(context, service, {
          name: "apply",
          title: change.subject,
          base,
          commands: [change.pin],
          subject: change.subject,
          at: startOf,
        }),
    pushStep(context, service, {
      title: `Push branch ${branch}`,
      refs: [`HEAD:refs/heads/${branch}`],
    }),
    ...(holds ? [holdWritesStep(service)] : []),
    wayBackStep(service, from),
    ...(backupParts(service).length ? [backupStep(service)] : []),
    ...deploySteps(context, service, { from, to, middle, rules }),
    // what it reports as its version is what the commit says, whatever that is
    verifyStep(service, rules, null),
    ...(holds ? [acceptWritesStep(service)] : []),
    recordStep(service, { version: plan.to!, commit: null }, rules.watch),
    tidyStep(context, service),
  ];
}

interface ReadChange {
  does: Change;
  label: string;
  subject: string;
  commits: { id: string; subject: string }[];
  migrations: string[];
}

async function readChange(
  service: Service,
  repository: Repository,
  typed: string,
  base: string,
): Promise<ReadChange> {
  const commit = await resolveRef(repository, typed);
  if (commit) return await readPick(service, repository, typed, commit, base);
  const [, name, version] = PACKAGE.exec(typed) ?? [];
  if (!name || !version) {
    throw new StewardError(
      "unknown_ref",
      `'${typed.slice(0, 60)}' is no commit, branch or tag of ${service.id}`,
      {
        hint: "Push it first, or say PACKAGE@VERSION.",
      },
    );
  }
  if (!service.commands.pin) {
    throw new StewardError(
      "not_updatable",
      `${service.id} declares no commands.pin, so no package can be pinned`,
      {
        hint: "Declare it with {package} and {version}, or take a preset that has it.",
      },
    );
  }
  const subject = `Pin ${name} to ${version}`;
  return {
    does: { pin: fillCommand(service.commands.pin, { package: name, version }), subject },
    label: `${name.replace(/[^\w.-]/g, "-").replace(/^-+/, "")}-${version}`,
    subject,
    commits: [],
    migrations: [],
  };
}

async function readPick(
  service: Service,
  repository: Repository,
  typed: string,
  commit: string,
  base: string,
): Promise<ReadChange> {
  if (!(await resolveRef(repository, base))) {
    throw new StewardError(
      "unknown_ref",
      `What ${service.id} runs (${base.slice(0, 12)}) is not in its remote, so nothing can be put on top of it`,
      { hint: "Push it there, on a branch of its own." },
    );
  }
  if (await isAncestor(repository, commit, base)) throw alreadyRuns(service, typed);
  const { at, subject, parents } = await aboutCommit(repository, commit);
  if (parents !== 1)
    throw new StewardError(
      "hotfix_conflict",
      `${typed} is ${parents ? "a merge" : "a first commit"}, not one change`,
      {
        hint: "Name the commit that holds the change itself.",
      },
    );
  const { conflicts, changes } = await tryPick(repository, base, commit);
  if (!changes) throw alreadyRuns(service, typed);
  if (conflicts.length > 0) {
    throw new StewardError(
      "hotfix_conflict",
      `${commit.slice(0, 12)} does not apply to what runs: ${conflicts.slice(0, 5).join(", ")}`,
      { hint: "Make a commit that does, on a branch from the running release, and name that." },
    );
  }
  const folder = service.repository?.migrations;
  return {
    does: { pick: commit, at },
    label: commit.slice(0, 9),
    subject,
    commits: [{ id: commit, subject }],
    migrations: folder ? await changedFiles(repository, `${commit}^`, commit, folder) : [],
  };
}

function alreadyRuns(service: Service, what: string): StewardError {
  return new StewardError("already_running", `${service.id} runs ${what} already`, {
    hint: "/ops status shows what runs.",
  });
}

async function downOf(
  service: Service,
  repository: Repository,
  base: { commit: string; version: string | null },
  migrations: string[],
): Promise<string[] | null> {
  const before = await filesAt(repository, base.commit, service.repository!.migrations!);
  const count = migrations.filter((file) => !before.includes(file)).length;
  return downCommand(service, { version: base.version, count, stays: before.at(-1) });
}

/** A branch of an earlier try is kept, so the next one gets another name. */
async function freeBranch(repository: Repository, wanted: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const branch = number === 1 ? wanted : `${wanted}-${number}`;
    if (!(await resolveRef(repository, `refs/heads/${branch}`))) return branch;
  }
}
