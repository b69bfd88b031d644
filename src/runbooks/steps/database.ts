import type { Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import { loadBackup } from "../../journal/releases.ts";
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

/** Migrations; taken back by putting the backup in the database's place, while writes are still held. */
export function migrateStep(service: Service): Step {
  const database = databaseOf(service);
  const command = service.commands.migrate!;
  return {
    name: "migrate",
    title: "Migrate the database",
    commands: [command],
    undo: `Restore database ${database.name} from the backup of this run`,
    // Migration tools record what they applied and skip it the next time; and this run's backup is the way out.
    idempotent: true,
    timeoutMs: service.commandTimeout,
    async run(deed) {
      await deed.command(command, { ...(service.repository ? { cwd: service.repository.path } : {}) });
    },
    takeBack: (deed) => restoreFromRun(deed, database),
  };
}

/**
 * Puts the database back as this run's backup has it, but only while writes have been held ever since:
 * otherwise that would throw away what customers wrote, and a person has to say so.
 */
async function restoreFromRun(deed: Deed, database: ServiceDatabase): Promise<void> {
  const backupId = deed.recall("backupId");
  const backup = typeof backupId === "number" ? await loadBackup(deed.db, backupId) : undefined;
  const part = backup?.manifest.parts.find((candidate) => candidate.kind === "database");
  if (!backup || !part) {
    throw new StewardError("backup_missing", "This run has no backup of the database to restore", {
      hint: "Restore by hand, then press Skip.",
    });
  }
  if (!(await writesHeld(database))) {
    throw new NeedsDecision("writes_since_backup", await atStake(database, backup.manifest.rows), {
      hint: "Skip keeps the database as it is now.",
    });
  }
  const file = await checkPart(backup.location, part);
  deed.say(`Backup ${backup.id}: ${part.bytes} bytes, checksum as recorded.`);
  await replaceDatabase(
    database,
    { file, expectedRows: backup.manifest.rows, tag: `run_${deed.run.id}` },
    (command, options) => deed.command(command, { ...options, here: true }),
  );
  deed.remember({ dataKept: true });
  deed.say(`Database ${database.name} is as it was at ${backup.manifest.takenAt}; row counts agree.`);
}

async function atStake(database: ServiceDatabase, then: Record<string, number>): Promise<string> {
  const now = await countRows(database.adminUrl);
  const grown = Object.keys(now)
    .filter((table) => now[table] !== then[table])
    .map((table) => `${table} ${then[table] ?? 0} → ${now[table]}`);
  return `writes were accepted since the backup; restoring it would lose them (rows then → now: ${grown.slice(0, 6).join(", ") || "equal counts"})`;
}

export function databaseOf(service: Service): ServiceDatabase {
  if (!service.database) throw new StewardError("no_database", `${service.id} declares no database`);
  return serviceDatabase(service.database);
}
