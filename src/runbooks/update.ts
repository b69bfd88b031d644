import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listIncidents } from "../journal/incidents.ts";
import { listBackups } from "../journal/releases.ts";
import type { Json, Plan, PlanContext } from "../journal/types.ts";
import {
  commitsBetween,
  fetchMirror,
  listVersions,
  newestRelease,
  readCheckout,
  resolveVersion,
} from "../targets/git.ts";
import { type Migrations, migrationsBetween } from "./migrations.ts";
import {
  assertProven,
  assertRoom,
  assertSigned,
  assertUpdatable,
  assertVersion,
  backupLine,
  databaseWarnings,
  dirty,
  fleetWarnings,
  holdsWrites,
  runningVersion,
} from "./preflight.ts";
import { type PlanInput, planSteps, type Runbook, type RunbookContext, type Step } from "./runbook.ts";
import { backupParts, backupStep, backupWarnings } from "./steps/backup.ts";
import { repositoryOf, testStep, wayBackStep } from "./steps/code.ts";
import { acceptWritesStep, holdWritesStep, migrateStep } from "./steps/database.ts";
import { deploySteps, fleetPlan } from "./steps/deploy.ts";
import { recordStep } from "./steps/record.ts";
import { verifyStep } from "./steps/verify.ts";

/** The guide's update script, made safe: backed up, verified, and undone by itself, database included. */
export const update: Runbook = {
  name: "update",
  version: 2,
  help: "Bring a service to a released version: backup, checkout, migrate, restart, verify; undone by itself when it fails.",
  args: [
    { name: "version", required: false, help: "a released version; without it the newest" },
    {
      name: "despite",
      required: false,
      help: "start although an incident is open",
      pattern: /incident/,
      allowed: "incident",
      named: true,
    },
  ],
  planned: true,
  rules: (service) => service.runbooks.update,
  async plan(input) {
    const { context, service } = input;
    assertUpdatable(service);
    const repository = repositoryOf(context, service);
    await fetchMirror(repository);
    const checkout = await readCheckout(repository);
    if (checkout.dirty.length > 0) throw dirty(service.id, checkout.dirty);
    const version = input.args.version ?? newestRelease(await listVersions(repository));
    if (version === undefined)
      throw new StewardError(
        "unknown_version",
        `The repository of ${service.id} has no tag like ${repository.tag}`,
      );
    assertVersion(service, version);
    const commit = await resolveVersion(repository, version);
    if (commit === checkout.commit)
      throw new StewardError("already_running", `${service.id} runs ${version} already`, {
        hint: "/ops status shows what runs.",
      });
    const commits = await commitsBetween(repository, checkout.commit, commit);
    if (commits.added.length === 0) {
      throw new StewardError(
        "older_version",
        `${version} is older than what runs (${checkout.version ?? checkout.commit.slice(0, 12)})`,
        { hint: `/ops rollback ${service.id} ${version} goes back.` },
      );
    }
    await assertSigned(service, repository, version);
    await assertRoom(context, service);
    await assertProven(context, service);
    const migrations = await migrationsBetween(service, repository, checkout, { commit });
    const migrates = Boolean(
      service.commands.migrate && (!service.repository?.migrations || migrations.changed.length > 0),
    );
    const subject: Plan["subject"] = {
      fromCommit: checkout.commit,
      toCommit: commit,
      commits: commits.added.map((added) => added.id),
      migrations: migrations.changed,
      migrates,
      down: migrations.down,
      verify: { ...service.runbooks.update } as unknown as Json,
      health: (service.health ?? null) as unknown as Json,
      holdsWrites: holdsWrites(service),
      ...fleetPlan(service, migrates),
    };
    const from = await runningVersion(context, service, checkout);
    const plan = { from, to: version, subject };
    const warnings = [
      ...(commits.dropped.length > 0
        ? [`${commits.dropped.length} commits that run now are not in the new version`]
        : []),
      ...(await fleetWarnings(context, service, checkout.commit)),
    ];
    return {
      ...plan,
      title: `Update ${service.id} ${from ?? checkout.commit.slice(0, 12)} → ${version}`,
      risk: migrations.changed.length > 0 ? "high" : "medium",
      steps: planSteps(updateSteps(context, plan, service)),
      context: await describe(input, commits.added, migrations, warnings),
    };
  },
  steps: updateSteps,
  success: (plan) => `${plan.service} runs ${plan.to}`,
};

function updateSteps(
  context: RunbookContext,
  plan: Pick<Plan, "from" | "to" | "subject">,
  service: Service,
): Step[] {
  const from = { version: plan.from, commit: String(plan.subject.fromCommit) };
  const to = { version: plan.to, commit: String(plan.subject.toCommit) };
  const migrates = plan.subject.migrates === true;
  const holds = migrates && plan.subject.holdsWrites === true;
  const rules = service.runbooks.update;
  const middle = [
    ...(service.commands.test ? [testStep(service)] : []),
    ...(migrates ? [migrateStep(service, plan.subject.down as string[] | null)] : []),
  ];
  return [
    ...(holds ? [holdWritesStep(service)] : []),
    wayBackStep(service, from),
    ...(backupParts(service).length ? [backupStep(service)] : []),
    ...deploySteps(context, service, { from, to, middle, rules }),
    verifyStep(service, rules, plan.to),
    ...(holds ? [acceptWritesStep(service)] : []),
    recordStep(service, { version: plan.to!, commit: to.commit }, rules.watch),
  ];
}

/** What the approver should see and what moves all the time: none of it is hashed. */
async function describe(
  { context, service }: PlanInput,
  commits: PlanContext["commits"],
  migrations: Migrations,
  warnings: string[],
): Promise<PlanContext> {
  const readings = await context.measure(service);
  const incidents = await listIncidents(context.journal, { open: true, service: service.id });
  const [backup] = await listBackups(context.journal, service.id, 1);
  const taken = backupParts(service).length ? `takes ${backup ? "a new one" : "one"} first` : "takes none";
  return {
    commits,
    migrations: migrations.changed,
    backup: `${backupLine(backup)}; this run ${taken}`,
    readings: readings.map(({ state, summary }) => ({ state, summary })),
    undo: undoLine(service, migrations),
    warnings: [
      ...incidents.map((incident) => `Incident ${incident.id} is open: ${incident.title}`),
      ...warnings,
      ...(await databaseWarnings(context, service)),
      ...backupWarnings(service),
    ],
  };
}

function undoLine(service: Service, { changed, down }: Migrations): string {
  if (changed.length === 0) return "code and dependencies go back by themselves";
  if (holdsWrites(service))
    return "code, dependencies and database go back by themselves; writes are held meanwhile, so none are lost";
  return down
    ? "code and dependencies go back by themselves, the database by its down-migrations"
    : "code and dependencies go back by themselves; about the database a person decides";
}
