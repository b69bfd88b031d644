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
    /** how long the release is watched from now, in milliseconds; 0 or none: not at all */
    watchMs?: number;
  },
): Promise<void> {
  const watchMs = release.watchMs ?? 0;
  // what ran before is not what is watched any more
  await tx.query(
    `update releases set watch = 'none', watch_until = null where service = $1 and watch = 'watching'
       and run_id is distinct from $2`,
    [release.service, release.runId],
  );
  await tx.query(
    `insert into releases (service, version, commit, run_id, backup_id, notes, watch, watch_until)
     select $1, $2, $3, $4, $5, $6, case when $7::float8 > 0 then 'watching' else 'none' end,
       case when $7::float8 > 0 then now() + $7::float8 * interval '1 millisecond' end
     where $4::bigint is null or not exists (select 1 from releases where run_id = $4)`,
    [
      release.service,
      release.version,
      release.commit,
      release.runId,
      release.backupId,
      release.notes,
      watchMs,
    ],
  );
}

/** Releases that are watched now, oldest first. */
export async function watchedReleases(db: Db): Promise<Release[]> {
  return allRows(await db.query("select * from releases where watch = 'watching' order by id"));
}

/** Ends a watch. False when it had ended already: of two replicas only one goes on from here. */
export async function endWatch(
  tx: Db,
  id: number,
  watch: "good" | "bad",
  watched: { [key: string]: Json },
): Promise<boolean> {
  const result = await tx.query(
    "update releases set watch = $2, watched = $3 where id = $1 and watch = 'watching'",
    [id, watch, watched],
  );
  return result.rowCount === 1;
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
