import type { Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import { listAttempts } from "../../journal/attempts.ts";
import { loadBackup } from "../../journal/releases.ts";
import type { Backup } from "../../journal/types.ts";
import {
  countRows,
  holdWrites,
  releaseWrites,
  type ServiceDatabase,
  serviceDatabase,
  writesHeld,
} from "../../targets/database.ts";
import { replaceDatabase } from "../../targets/replace-database.ts";
import { checkPart } from "../../targets/store.ts";
import { placeholdersOf } from "../arguments.ts";
import { type Deed, NeedsDecision, type Step } from "../runbook.ts";

/** Customers can look and not write from here until the new version is verified: nothing they wrote can be lost. */
export function holdWritesStep(service: Service): Step {
  const database = databaseOf(service);
  return {
    name: "hold-writes",
    title: `Hold writes of ${database.appRole} in database ${database.name}`,
    commands: [],
    undo: "Accept writes again",
    leaves: `writes of ${database.appRole} may still be held; ALTER ROLE ${database.appRole} IN DATABASE ${database.name} RESET default_transaction_read_only lets them in again`,
    idempotent: true,
    timeoutMs: 60_000,
    async run(deed) {
      await holdWrites(database);
      deed.say("Writes are held; reads go on.");
    },
    async takeBack(deed) {
      await releaseWrites(database);
      deed.say("Writes are accepted again.");
    },
  };
}

export function acceptWritesStep(service: Service): Step {
  const database = databaseOf(service);
  return {
    name: "accept-writes",
    title: `Accept writes of ${database.appRole} again`,
    commands: [],
    idempotent: true,
    timeoutMs: 60_000,
    async run(deed) {
      await releaseWrites(database);
      deed.say("Writes are accepted again.");
    },
  };
}

/**
 * Migrations. They are taken back while the new version's code is still checked out: by this run's backup where writes
 * were held ever since, else by the declared down-migrations, else a person decides.
 */
export function migrateStep(service: Service, down: readonly string[] | null): Step {
  const database = databaseOf(service);
  const command = service.commands.migrate!;
  return {
    name: "migrate",
    title: "Migrate the database",
    commands: [command],
    undo: down
      ? `Restore database ${database.name} from the backup of this run, or run ${down.join(" ")} if it was written to meanwhile`
      : `Restore database ${database.name} from the backup of this run`,
    // Migration tools record what they applied and skip it the next time; and this run's backup is the way out.
    idempotent: true,
    timeoutMs: service.commandTimeout,
    run: (deed) => migrateUp(deed, service),
    async takeBack(deed) {
      if (await writesHeld(database)) return await restoreFromRun(deed, database);
      if (!down) throw await writesWouldBeLost(deed, database);
      await assertDownCounts(deed, service);
      deed.say("Writes were accepted since the backup, so the down-migrations run and nothing is lost.");
      await deed.command(down, inCheckout(service));
    },
  };
}

export async function migrateUp(deed: Deed, service: Service): Promise<void> {
  await deed.command(service.commands.migrate!, inCheckout(service));
}

/** A tool that is told how many to take back cannot be told so after it broke off somewhere. */
async function assertDownCounts(deed: Deed, service: Service): Promise<void> {
  const told = placeholdersOf(service.commands.down ?? []);
  if (!told.includes("count") && !told.includes("back")) return;
  const last = (await listAttempts(deed.db, deed.run.id)).findLast(
    ({ step, direction }) => step === "migrate" && direction === "do",
  );
  if (last?.outcome === "done") return;
  throw new NeedsDecision(
    "migration_unfinished",
    "the migrations broke off, so nobody can say how many of them are to be taken back; writes were accepted meanwhile",
    { hint: "Take them back by hand, then Skip; or use {migration} in commands.down." },
  );
}

/**
 * Puts the database back as this run's backup has it. Only while writes have been held ever since: otherwise that
 * would throw away what customers wrote, and a person has to say so.
 */
export async function restoreFromRun(deed: Deed, database: ServiceDatabase): Promise<void> {
  const backup = await backupOfRun(deed);
  if (!(await writesHeld(database))) throw await writesWouldBeLost(deed, database);
  await putBack(deed, database, backup, `run_${deed.run.id}`);
  deed.remember({ dataKept: true });
}

/** Restores a backup beside the database, counts it, and swaps the two; `tag` tells the copies of one run apart. */
export async function putBack(
  deed: Deed,
  database: ServiceDatabase,
  backup: Backup,
  tag: string,
): Promise<void> {
  const part = backup.manifest.parts.find(({ kind }) => kind === "database");
  if (!part) throw backupMissing();
  const file = await checkPart(backup.location, part);
  deed.say(`Backup ${backup.id}: ${part.bytes} bytes, checksum as recorded.`);
  await replaceDatabase(database, { file, expectedRows: backup.manifest.rows, tag }, (command, options) =>
    deed.command(command, { ...options, here: true }),
  );
  deed.say(`Database ${database.name} is as it was at ${backup.manifest.takenAt}; row counts agree.`);
}

async function backupOfRun(deed: Deed): Promise<Backup> {
  const id = deed.recall("backupId");
  const backup = typeof id === "number" ? await loadBackup(deed.db, id) : undefined;
  if (!backup) throw backupMissing();
  return backup;
}

async function writesWouldBeLost(deed: Deed, database: ServiceDatabase): Promise<NeedsDecision> {
  const { manifest } = await backupOfRun(deed);
  const lost = rowsLost(manifest.rows, await countRows(database.adminUrl));
  return new NeedsDecision(
    "writes_since_backup",
    `writes were accepted since the backup; restoring it would lose them (rows then → now: ${lost.slice(0, 6).join(", ") || "equal counts"})`,
    { hint: "Skip keeps the database as it is now." },
  );
}

/** `orders 20 → 22`, most changed first. Equal counts do not prove that nothing was written. */
export function rowsLost(then: Record<string, number>, now: Record<string, number>): string[] {
  const change = (table: string) => Math.abs((now[table] ?? 0) - (then[table] ?? 0));
  return Object.keys({ ...then, ...now })
    .filter((table) => now[table] !== then[table])
    .sort((a, b) => change(b) - change(a))
    .map((table) => `${table} ${then[table] ?? 0} → ${now[table] ?? "gone"}`);
}

function backupMissing(): StewardError {
  return new StewardError("backup_missing", "This run has no backup of the database to restore", {
    hint: "Restore by hand, then press Skip.",
  });
}

function inCheckout(service: Service): { cwd?: string } {
  return service.repository ? { cwd: service.repository.path } : {};
}

export function databaseOf(service: Service): ServiceDatabase {
  if (!service.database) throw new StewardError("no_database", `${service.id} declares no database`);
  return serviceDatabase(service.database);
}
