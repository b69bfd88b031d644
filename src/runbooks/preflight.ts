/** What has to hold before an update is even planned: found out on the spot, and again when it starts. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listBackups, listReleases } from "../journal/releases.ts";
import type { Backup } from "../journal/types.ts";
import { canHoldWrites, serverMajor, toolMajor } from "../targets/database.ts";
import { type Repository, readCheckout, verifyTag } from "../targets/git.ts";
import type { RunbookContext } from "./runbook.ts";
import { repositoryOf } from "./steps/code.ts";
import { databaseOf } from "./steps/database.ts";
import { restartCommands } from "./steps/restart.ts";

/** How many hosts are looked at side by side. */
const AT_ONCE = 10;

/** Throws `not_updatable` naming what the service has to declare first. */
export function assertUpdatable(service: Service, what = "updated"): void {
  const missing = [
    service.repository ? "" : "repository",
    restartCommands(service).length ? "" : "commands.restart",
    service.health || service.checks?.length ? "" : "health",
  ].filter(Boolean);
  if (missing.length === 0) return;
  throw new StewardError(
    "not_updatable",
    `${service.id} cannot be ${what}: steward.yml does not declare its ${missing.join(", ")}`,
    { hint: "steward.example.yml shows how." },
  );
}

/** The version of what is checked out: its tag, or what it was recorded as, such as a hotfix. Null when nobody knows. */
export async function runningVersion(
  context: RunbookContext,
  service: Service,
  checkout: { commit: string; version: string | null },
): Promise<string | null> {
  if (checkout.version !== null) return checkout.version;
  const releases = await listReleases(context.journal, service.id, 50);
  return releases.find(({ commit }) => commit === checkout.commit)?.version ?? null;
}

/** Throws `bad_version` unless the whole of it looks as `repository.version` says. */
export function assertVersion(service: Service, version: string): void {
  const pattern = service.repository?.version;
  if (pattern === undefined || new RegExp(`^(?:${pattern})$`).test(version)) return;
  throw new StewardError(
    "bad_version",
    `'${version.slice(0, 60)}' is no version of ${service.id}; allowed: ${pattern}`,
    { hint: "repository.version in steward.yml says what versions look like." },
  );
}

/** Throws `tag_unsigned` where signed tags are wanted and this one is not, or by nobody who is trusted. */
export async function assertSigned(service: Service, repository: Repository, version: string): Promise<void> {
  if (!service.repository?.signed) return;
  const refused = await verifyTag(repository, version, service.repository.signers);
  if (refused === null) return;
  throw new StewardError(
    "tag_unsigned",
    `The tag of ${version} carries no signature that is trusted: ${refused}`,
    { hint: "Sign the tag with a key that repository.signers, or git's own settings, trust." },
  );
}

/** Throws `disk_short` when the checkout's disk or the backups' has too little room. */
export async function assertRoom(context: RunbookContext, service: Service): Promise<void> {
  const [last] = await listBackups(context.journal, service.id, 1);
  const wanted = service.preflight.disk;
  await assertFree(context.host(service), service.repository!.path, wanted);
  // a backup like the last one, and the scratch copy that undoing would make of it
  const forBackup = Math.max(wanted, 2 * (last?.bytes ?? 0));
  await assertFree(context.host(), existingPart(context.config.backupFolder), forBackup);
}

/** Throws `backup_unproven` where the service wants a backup that was restored lately and there is none. */
export async function assertProven(context: RunbookContext, service: Service): Promise<void> {
  const limit = service.preflight.proof;
  if (limit === undefined) return;
  const proven = (await listBackups(context.journal, service.id, 100)).find(({ verifiedAt }) => verifiedAt);
  const age = proven ? Date.now() - proven.verifiedAt!.getTime() : Number.POSITIVE_INFINITY;
  if (age <= limit) return;
  throw new StewardError(
    "backup_unproven",
    proven
      ? `The last proof that a backup of ${service.id} can be restored is ${ageOf(proven.verifiedAt!)} old; allowed: ${ageOf(new Date(Date.now() - limit))}`
      : `No backup of ${service.id} was ever restored to prove it`,
    { hint: "Verify a backup first, or raise preflight.proof." },
  );
}

/** What an approver should know of the hosts of a fleet; throws `checkout_dirty` where one has changes. */
export async function fleetWarnings(
  context: RunbookContext,
  service: Service,
  commit: string,
): Promise<string[]> {
  const hosts = service.fleet?.hosts ?? [];
  const warnings: string[] = [];
  for (let at = 0; at < hosts.length; at += AT_ONCE) {
    const read = hosts.slice(at, at + AT_ONCE).map(async ({ name }) => {
      const found = await readCheckout(repositoryOf(context, service, name));
      if (found.dirty.length > 0) throw dirty(`${service.id} on ${name}`, found.dirty);
      return found.commit === commit
        ? []
        : [`${name} stands at ${found.version ?? found.commit.slice(0, 12)} and joins the others`];
    });
    warnings.push(...(await Promise.all(read)).flat());
  }
  return warnings;
}

export function dirty(where: string, files: readonly string[]): StewardError {
  return new StewardError(
    "checkout_dirty",
    `The checkout of ${where} has changes that are not committed: ${files.slice(0, 5).join(", ")}`,
    { hint: "Commit or discard them, so that nothing is overwritten." },
  );
}

/** Throws when no backup of the database can be taken; says where its writes are not held meanwhile. */
export async function databaseWarnings(context: RunbookContext, service: Service): Promise<string[]> {
  if (!service.database) return [];
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
  const why = service.database.holdWrites
    ? "database.admin is the application's own role"
    : "holdWrites: false";
  const then = service.commands.down ? "runs the down-migrations" : "will ask before the database goes back";
  return [`Writes are not held (${why}): a failed migration ${then}`];
}

/** Whether the application's writes are held while its database changes. */
export function holdsWrites(service: Service): boolean {
  return service.database?.holdWrites === true && canHoldWrites(databaseOf(service));
}

/** `last backup 3 h ago, never restored` */
export function backupLine(backup: Backup | undefined): string {
  if (!backup) return "no backup yet";
  const proof = backup.verifiedAt ? `restored to prove it ${ageOf(backup.verifiedAt)} ago` : "never restored";
  return `last backup ${ageOf(backup.createdAt)} ago, ${proof}`;
}

/** `12 min`, `5 h`, `3 days` */
export function ageOf(at: Date): string {
  const minutes = Math.round((Date.now() - at.getTime()) / 60_000);
  if (minutes < 90) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} days`;
}

async function assertFree(
  host: ReturnType<RunbookContext["host"]>,
  path: string,
  wanted: number,
): Promise<void> {
  const { freeBytes } = await host.facts.disk(path);
  if (freeBytes >= wanted) return;
  const size = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new StewardError(
    "disk_short",
    `${size(freeBytes)} are free at ${path} on ${host.name}; wanted: ${size(wanted)}`,
    { hint: "Make room, or set preflight.disk." },
  );
}

/** The folder itself may not be there before the first backup. */
function existingPart(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existingPart(dirname(folder));
}
