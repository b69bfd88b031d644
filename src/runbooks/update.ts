import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listIncidents } from "../journal/incidents.ts";
import { listBackups } from "../journal/releases.ts";
import type { Json, Plan, PlanContext } from "../journal/types.ts";
import { canHoldWrites, serverMajor, toolMajor } from "../targets/database.ts";
import {
  changedFiles,
  commitsBetween,
  fetchMirror,
  listVersions,
  readCheckout,
  resolveVersion,
} from "../targets/git.ts";
import { type PlanInput, planSteps, type Runbook, type RunbookContext, type Step } from "./runbook.ts";
import { backupParts, backupStep, backupWarnings } from "./steps/backup.ts";
import { checkoutStep, installStep, repositoryOf, testStep, wayBackStep } from "./steps/code.ts";
import { acceptWritesStep, databaseOf, holdWritesStep, migrateStep } from "./steps/database.ts";
import { recordStep } from "./steps/record.ts";
import { restartCommands, restartStep } from "./steps/restart.ts";
import { verifyStep } from "./steps/verify.ts";

/** The guide's update script, made safe: backed up, verified, and undone by itself, database included. */
export const update: Runbook = {
  name: "update",
  version: 1,
  help: "Bring a service to a released version: backup, checkout, migrate, restart, verify; undone by itself when it fails.",
  args: [{ name: "version", required: false, help: "a released version; without it the newest" }],
  rules: (service) => service.runbooks.update,
  async plan(input) {
    const { context, service } = input;
    assertUpdatable(service);
    const repository = repositoryOf(context, service);
    await fetchMirror(repository);
    const checkout = await readCheckout(repository);
    if (checkout.dirty.length > 0) {
      throw new StewardError(
        "checkout_dirty",
        `The checkout of ${service.id} has changes that are not committed: ${checkout.dirty.slice(0, 5).join(", ")}`,
        {
          hint: "Commit or discard them, so that nothing is overwritten.",
        },
      );
    }
    const version = input.args.version ?? (await listVersions(repository))[0];
    if (version === undefined)
      throw new StewardError(
        "unknown_version",
        `The repository of ${service.id} has no tag like ${repository.tag}`,
      );
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
        {
          hint: `/ops rollback ${service.id} ${version} goes back.`,
        },
      );
    }
    const folder = service.repository?.migrations;
    const migrations = folder ? await changedFiles(repository, checkout.commit, commit, folder) : [];
    const subject: Plan["subject"] = {
      fromCommit: checkout.commit,
      toCommit: commit,
      commits: commits.added.map((added) => added.id),
      migrations,
      migrates: Boolean(service.commands.migrate && (folder === undefined || migrations.length > 0)),
      verify: { ...service.runbooks.update } as unknown as Json,
      health: (service.health ?? null) as unknown as Json,
      holdsWrites: holdsWrites(service),
    };
    const plan = { from: checkout.version, to: version, subject };
    return {
      ...plan,
      title: `Update ${service.id} ${checkout.version ?? checkout.commit.slice(0, 12)} → ${version}`,
      risk: migrations.length > 0 ? "high" : "medium",
      steps: planSteps(updateSteps(context, plan, service)),
      context: await describe(input, commits.added, commits.dropped.length, migrations),
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
  return [
    ...(holds ? [holdWritesStep(service)] : []),
    wayBackStep(service, from),
    ...(backupParts(service).length ? [backupStep(service)] : []),
    checkoutStep(context, service, { from, to }),
    ...(service.commands.install ? [installStep(service)] : []),
    ...(service.commands.test ? [testStep(service)] : []),
    ...(migrates ? [migrateStep(service)] : []),
    restartStep(service),
    verifyStep(service, service.runbooks.update, plan.to),
    ...(holds ? [acceptWritesStep(service)] : []),
    recordStep(service, { version: plan.to!, commit: to.commit }),
  ];
}

/** What the approver should see and what moves all the time: none of it is hashed. */
async function describe(
  input: PlanInput,
  commits: PlanContext["commits"],
  dropped: number,
  migrations: string[],
): Promise<PlanContext> {
  const { context, service } = input;
  const readings = await context.measure(service);
  const incidents = await listIncidents(context.journal, { open: true, service: service.id });
  const warnings = incidents.map((incident) => `Incident ${incident.id} is open: ${incident.title}`);
  if (dropped > 0) warnings.push(`${dropped} commits that run now are not in the new version`);
  if (service.database) warnings.push(...(await databaseWarnings(context, service)));
  warnings.push(...backupWarnings(service));
  const [backup] = await listBackups(context.journal, service.id, 1);
  return {
    commits,
    migrations,
    backup: `${backup ? `last backup ${ageOf(backup.createdAt)} ago, never restored` : "no backup yet"}; ${
      backupParts(service).length
        ? `this run takes ${backup ? "a new one" : "one"} first`
        : "this run takes none"
    }`,
    readings: readings.map(({ state, summary }) => ({ state, summary })),
    undo:
      migrations.length > 0 && holdsWrites(service)
        ? "code, dependencies and database go back by themselves; writes are held meanwhile, so none are lost"
        : "code and dependencies go back by themselves",
    warnings,
  };
}

async function databaseWarnings(context: RunbookContext, service: Service): Promise<string[]> {
  const [tool, server] = [
    await toolMajor(context.host(), "pg_dump"),
    await serverMajor(databaseOf(service).adminUrl),
  ];
  if (tool === null) {
    throw new StewardError("no_pg_dump", "pg_dump is not installed, so no backup can be taken", {
      hint: `Install the PostgreSQL client, version ${server} or newer.`,
    });
  }
  if (tool < server) {
    throw new StewardError("old_pg_dump", `pg_dump ${tool} cannot dump a server of version ${server}`, {
      hint: `Install the PostgreSQL client, version ${server} or newer.`,
    });
  }
  if (holdsWrites(service)) return [];
  const why = service.database?.holdWrites
    ? "database.admin is the application's own role"
    : "holdWrites: false";
  return [`Writes are not held (${why}): a failed migration will ask before the database goes back`];
}

function holdsWrites(service: Service): boolean {
  return service.database?.holdWrites === true && canHoldWrites(databaseOf(service));
}

function assertUpdatable(service: Service): void {
  const missing = [
    service.repository ? "" : "repository",
    restartCommands(service).length ? "" : "commands.restart",
    service.health || service.checks?.length ? "" : "health",
  ].filter(Boolean);
  if (missing.length === 0) return;
  throw new StewardError(
    "not_updatable",
    `${service.id} cannot be updated: steward.yml does not declare its ${missing.join(", ")}`,
    {
      hint: "steward.example.yml shows how.",
    },
  );
}

function ageOf(at: Date): string {
  const minutes = Math.round((Date.now() - at.getTime()) / 60_000);
  if (minutes < 90) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} days`;
}
