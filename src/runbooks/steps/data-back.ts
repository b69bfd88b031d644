/** The database's part of a rollback: by down-migrations, or by the backup from before the release. */
import type { Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import { loadBackup } from "../../journal/releases.ts";
import { writesHeld } from "../../targets/database.ts";
import { NeedsDecision, type Step } from "../runbook.ts";
import { databaseOf, migrateUp, putBack, restoreFromRun } from "./database.ts";

/** Runs while the newer code is still checked out: the migrations to take back are in it. */
export function downStep(service: Service, down: readonly string[]): Step {
  const database = databaseOf(service);
  return {
    name: "migrate-down",
    title: "Take the migrations back",
    commands: [[...down]],
    undo: `Bring database ${database.name} back to how it was before`,
    idempotent: false,
    timeoutMs: service.commandTimeout,
    async run(deed) {
      await deed.command(down, service.repository ? { cwd: service.repository.path } : {});
    },
    async takeBack(deed) {
      if (await writesHeld(database)) return await restoreFromRun(deed, database);
      if (service.commands.migrate) return await migrateUp(deed, service);
      throw new NeedsDecision(
        "writes_since_backup",
        "the migrations were taken back and writes were accepted since; no commands.migrate is declared to apply them again",
        { hint: "Migrate by hand, then Skip." },
      );
    },
  };
}

/** Puts a backup in the database's place. What was written since is in this run's own backup, and comes back with an undo. */
export function restoreDatabaseStep(service: Service, backupId: number, taken: string): Step {
  const database = databaseOf(service);
  return {
    name: "restore-database",
    title: `Restore database ${database.name} as of ${taken}`,
    commands: [
      ["pg_restore", "--exit-on-error", `--dbname=<copy beside ${database.name}>`, "<backup>/database.dump"],
    ],
    undo: `Bring back what database ${database.name} held before`,
    idempotent: true,
    timeoutMs: 3_600_000,
    async run(deed) {
      const backup = await loadBackup(deed.db, backupId);
      if (!backup)
        throw new StewardError("backup_missing", `Backup ${backupId} is not on record any more`, {
          hint: "Choose another release, or roll back the code only.",
        });
      await putBack(deed, database, backup, `back_${deed.run.id}`);
    },
    takeBack: (deed) => restoreFromRun(deed, database),
  };
}
