import type { Db } from "./database.ts";
import { allRows, firstRow } from "./rows.ts";
import type { Backup, BackupManifest, Json, Release } from "./types.ts";

/** Records a release once a run: recording it again after a crash changes nothing. */
export async function recordRelease(
  tx: Db,
  release: {
    service: string;
    version: string;
    commit: string;
    runId: number | null;
    backupId: number | null;
    notes: { [key: string]: Json };
  },
): Promise<void> {
  await tx.query(
    `insert into releases (service, version, commit, run_id, backup_id, notes)
     select $1, $2, $3, $4, $5, $6 where $4::bigint is null or not exists (select 1 from releases where run_id = $4)`,
    [release.service, release.version, release.commit, release.runId, release.backupId, release.notes],
  );
}

/** Newest first. */
export async function listReleases(db: Db, service: string, limit = 10): Promise<Release[]> {
  return allRows(
    await db.query("select * from releases where service = $1 order by id desc limit $2", [service, limit]),
  );
}

/** Records a backup once its manifest stands in the store; once a location. Returns its id. */
export async function recordBackup(
  tx: Db,
  backup: {
    service: string;
    runId: number | null;
    location: string;
    manifest: BackupManifest;
    bytes: number;
  },
): Promise<number> {
  const result = await tx.query<{ id: number }>(
    "insert into backups (service, run_id, location, manifest, bytes) values ($1, $2, $3, $4, $5) returning id",
    [backup.service, backup.runId, backup.location, backup.manifest, backup.bytes],
  );
  return result.rows[0]!.id;
}

export async function loadBackup(db: Db, id: number): Promise<Backup | undefined> {
  return firstRow(await db.query("select * from backups where id = $1", [id]));
}

/** Newest first. */
export async function listBackups(db: Db, service: string, limit = 10): Promise<Backup[]> {
  return allRows(
    await db.query("select * from backups where service = $1 order by id desc limit $2", [service, limit]),
  );
}
