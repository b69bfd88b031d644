/** What a rollback does about the database: nothing, its down-migrations, or the backup from before the release. */
import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { listReleases, loadBackup } from "../journal/releases.ts";
import type { Backup, Plan } from "../journal/types.ts";
import { countRows } from "../targets/database.ts";
import type { Migrations } from "./migrations.ts";
import { ageOf, holdsWrites } from "./preflight.ts";
import type { RunbookContext } from "./runbook.ts";
import { databaseOf, rowsLost } from "./steps/database.ts";

export type Way = "keep" | "down" | "restore";

export interface DataDecision {
  way: Way;
  /** the others that could be chosen */
  others: Way[];
  /** the one to restore, also where another way was chosen */
  backup: Backup | undefined;
  /** what the approver has to know */
  warnings: string[];
}

/**
 * Chooses what happens to the database between two releases, as `wanted` says or else what fits: nothing without
 * migrations, down-migrations where they are declared, else the backup that was taken when the target was left.
 * Throws `bad_argument` for a way that is not there.
 */
export async function decideData(
  context: RunbookContext,
  service: Service,
  target: { version: string; commit: string },
  migrations: Migrations,
  wanted: string | undefined,
): Promise<DataDecision> {
  if (!service.database || migrations.changed.length === 0)
    return { way: keepOnly(wanted), others: [], backup: undefined, warnings: [] };
  const backup = holdsWrites(service) ? await backupOnLeaving(context, service, target) : undefined;
  const ways: Way[] = [
    ...(migrations.down ? ["down" as const] : []),
    ...(backup ? ["restore" as const] : []),
    "keep",
  ];
  const way = wanted === undefined ? ways[0]! : ways.find((one) => one === wanted);
  if (!way) {
    throw new StewardError(
      "bad_argument",
      `The database of ${service.id} cannot go back by '${wanted}'; allowed here: ${ways.join(", ")}`,
      { hint: `/ops rollback ${service.id} ${target.version} --database ${ways[0]}` },
    );
  }
  const warnings = backup ? [await lossLine(service, backup, way)] : [];
  if (way === "keep")
    warnings.push(`${target.version} has to live with these migrations: ${migrations.changed.join(", ")}`);
  return { way, others: ways.filter((one) => one !== way), backup, warnings };
}

/** The other ways as the card offers them. */
export function dataAlternatives(
  { others }: DataDecision,
  args: Record<string, string>,
): NonNullable<Plan["alternatives"]> {
  const labels: Record<Way, string> = {
    keep: "Code only",
    down: "With down-migrations",
    restore: "Restore the database too",
  };
  return others.map((database) => ({ label: labels[database], args: { ...args, database } }));
}

function keepOnly(wanted: string | undefined): "keep" {
  if (wanted === undefined || wanted === "keep") return "keep";
  throw new StewardError("bad_argument", `There is nothing for the database to go back to by '${wanted}'`, {
    hint: "No migration lies between the two releases: leave --database out.",
  });
}

/** The backup that was taken by the run which replaced the target: its data as they were when it last ran. */
async function backupOnLeaving(
  context: RunbookContext,
  service: Service,
  target: { commit: string },
): Promise<Backup | undefined> {
  const releases = await listReleases(context.journal, service.id, 100);
  const index = releases.findIndex(({ commit }) => commit === target.commit);
  const next = index > 0 ? releases[index - 1] : undefined;
  const backup = next?.backupId ? await loadBackup(context.journal, next.backupId) : undefined;
  return backup?.manifest.parts.some(({ kind }) => kind === "database") ? backup : undefined;
}

async function lossLine(service: Service, backup: Backup, way: Way): Promise<string> {
  const rows = rowsLost(backup.manifest.rows, await countRows(databaseOf(service).adminUrl));
  const since = `the backup ${ageOf(backup.createdAt)} ago (${backup.manifest.takenAt.slice(0, 16).replace("T", " ")} UTC)`;
  const what = rows.length
    ? `rows then → now: ${rows.slice(0, 8).join(", ")}${rows.length > 8 ? ` and ${rows.length - 8} more tables` : ""}`
    : "no table has another number of rows now, though rows may have been changed";
  return way === "restore"
    ? `What was written since ${since} will be lost: ${what}`
    : `Restoring the database would lose what was written since ${since}: ${what}`;
}
