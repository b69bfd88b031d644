import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listReleases } from "../journal/releases.ts";
import type { Json, Plan, Release } from "../journal/types.ts";
import { commitsBetween, fetchMirror, readCheckout, resolveVersion } from "../targets/git.ts";
import { migrationsBetween } from "./migrations.ts";
import {
  assertUpdatable,
  databaseWarnings,
  fleetWarnings,
  holdsWrites,
  runningVersion,
} from "./preflight.ts";
import { type DataDecision, dataAlternatives, decideData } from "./rollback-data.ts";
import { type PlanInput, planSteps, type Runbook, type RunbookContext, type Step } from "./runbook.ts";
import { backupStep } from "./steps/backup.ts";
import { repositoryOf, wayBackStep } from "./steps/code.ts";
import { downStep, restoreDatabaseStep } from "./steps/data-back.ts";
import { acceptWritesStep, holdWritesStep } from "./steps/database.ts";
import { deploySteps, fleetPlan } from "./steps/deploy.ts";
import { recordStep } from "./steps/record.ts";
import { verifyStep } from "./steps/verify.ts";

/**
 * Back to a recorded release: code, dependencies, and the database as the approver chooses, who is told beforehand
 * what would be lost. It is a cure: a remote that is down does not stand in its way.
 */
export const rollback: Runbook = {
  name: "rollback",
  version: 2,
  help: "Bring a service back to the release before, or to a named one; the card says what that means for the data.",
  args: [
    { name: "version", required: false, help: "a recorded release; without it the one before" },
    {
      name: "database",
      required: false,
      help: "keep it as it is, take the migrations back, or restore it",
      pattern: /keep|down|restore/,
      allowed: "keep|down|restore",
      named: true,
    },
  ],
  cure: true,
  rules: (service) => service.runbooks.rollback,
  async plan(input) {
    const { context, service } = input;
    assertUpdatable(service, "rolled back");
    const repository = repositoryOf(context, service);
    const unreachable = await fetchMirror(repository).then(
      () => [],
      (error: Error) => [`The remote does not answer; what was fetched before is used (${error.message})`],
    );
    const checkout = await readCheckout(repository);
    const to = await chooseRelease(input, checkout.commit);
    const commits = await commitsBetween(repository, checkout.commit, to.commit);
    const migrations = await migrationsBetween(service, repository, to, checkout);
    const data = await decideData(context, service, to, migrations, input.args.database);
    const subject: Plan["subject"] = {
      fromCommit: checkout.commit,
      toCommit: to.commit,
      database: data.way,
      holdsWrites: data.way !== "keep" && holdsWrites(service),
      verify: { ...service.runbooks.rollback } as unknown as Json,
      ...(data.way === "down" ? { down: migrations.down } : {}),
      ...(data.way === "restore" && data.backup ? { backup: identityOf(data.backup) } : {}),
      ...fleetPlan(service, data.way !== "keep"),
    };
    const from = await runningVersion(context, service, checkout);
    const plan = { from, to: to.version, subject };
    return {
      ...plan,
      title: `Roll ${service.id} back ${from ?? checkout.commit.slice(0, 12)} → ${to.version}`,
      risk: migrations.changed.length > 0 ? "high" : "medium",
      steps: planSteps(rollbackSteps(context, plan, service)),
      alternatives: dataAlternatives(data, input.args),
      context: {
        commits: commits.dropped,
        migrations: data.way === "keep" ? [] : migrations.changed,
        backup: backupWords(data),
        readings: (await context.measure(service)).map(({ state, summary }) => ({ state, summary })),
        undo: `${from ?? "the running commit"} comes back by itself${data.way === "keep" ? "" : ", with its data,"} if ${to.version} does not turn healthy`,
        warnings: [
          ...data.warnings,
          ...unreachable,
          ...(await fleetWarnings(context, service, checkout.commit)),
          ...(data.way === "keep" ? [] : await databaseWarnings(context, service)),
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
  const { subject } = plan;
  const from = { version: plan.from, commit: String(subject.fromCommit) };
  const to = { version: plan.to, commit: String(subject.toCommit) };
  const rules = service.runbooks.rollback;
  const holds = subject.holdsWrites === true;
  const backup = subject.backup as { id: number; takenAt: string } | undefined;
  const middle = backup ? [restoreDatabaseStep(service, backup.id, backup.takenAt)] : [];
  return [
    ...(holds ? [holdWritesStep(service)] : []),
    wayBackStep(service, from),
    ...(subject.database === "keep" ? [] : [backupStep(service)]),
    ...(subject.database === "down" ? [downStep(service, subject.down as string[])] : []),
    ...deploySteps(context, service, { from, to, middle, rules }),
    verifyStep(service, rules, plan.to),
    ...(holds ? [acceptWritesStep(service)] : []),
    recordStep(service, { version: plan.to!, commit: to.commit }, 0),
  ];
}

/** What is restored is part of the plan, byte for byte. */
function identityOf(backup: NonNullable<DataDecision["backup"]>): Json {
  const { id, manifest } = backup;
  return { id, takenAt: manifest.takenAt, sha256: manifest.parts.map((part) => part.sha256) };
}

function backupWords({ way, backup }: DataDecision): string {
  if (way === "keep") return "not needed: the database stays as it is";
  const first = "this run takes one first";
  return way === "restore" && backup
    ? `backup ${backup.id} of ${backup.manifest.takenAt} is restored, ${backup.verifiedAt ? "proven" : "never proven by a restore"}; ${first}`
    : first;
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
