import type { Service } from "../../config.ts";
import { transaction } from "../../journal/database.ts";
import { loadBackup, recordBackup } from "../../journal/releases.ts";
import type { BackupManifest } from "../../journal/types.ts";
import { dumpCommand, toolMajor, withSnapshot, writesHeld } from "../../targets/database.ts";
import { checkPart, fingerprint, openBackupFolder, writeManifest } from "../../targets/store.ts";
import type { Deed, Step } from "../runbook.ts";
import { databaseOf } from "./database.ts";

const CONFIGURATION = "configuration";

/** What of a service can be backed up: its database from here, its files where they lie on this machine. */
export function backupParts(service: Service): string[] {
  return [...(service.database ? ["database"] : []), ...fileParts(service).map((part) => part.name)];
}

/** What of a service the backup leaves out, for whoever approves. */
export function backupWarnings(service: Service): string[] {
  if (service.host === "local" || (!service.repository && service.files.length === 0)) return [];
  const what = [service.repository ? "its checkout" : "", service.files.length ? "its files" : ""];
  return [
    `Not backed up: ${what.filter(Boolean).join(" and ")}. They lie on ${service.host.ssh}, and files are not backed up over SSH yet`,
  ];
}

/** Database, application folder and declared files into the store, the manifest last. */
export function backupStep(service: Service): Step {
  return {
    name: "backup",
    title: `Back up ${backupParts(service).join(", ")}`,
    commands: [
      ...(service.database
        ? [
            [
              "pg_dump",
              "--format=custom",
              "--compress=6",
              "--file=<backup>/database.dump",
              databaseOf(service).name,
            ],
          ]
        : []),
      ...fileParts(service).map((part) => [
        "tar",
        "--create",
        "--gzip",
        `--file=<backup>/${part.file}`,
        ...part.paths,
      ]),
    ],
    idempotent: true,
    timeoutMs: 3_600_000,
    run: (deed) => takeBackup(deed, service),
    ...(fileParts(service).some(({ name }) => name === CONFIGURATION)
      ? { undo: `Put ${service.files.join(", ")} back as they were`, takeBack: putFilesBack }
      : {}),
  };
}

/** What an install or a migration made of the declared files is taken back, before the former version starts again. */
async function putFilesBack(deed: Deed): Promise<void> {
  const id = deed.recall("backupId");
  const backup = typeof id === "number" ? await loadBackup(deed.db, id) : undefined;
  const part = backup?.manifest.parts.find(({ name }) => name === CONFIGURATION);
  if (!backup || !part) return deed.say("The backup was not finished, and nothing was changed after it.");
  const archive = `--file=${await checkPart(backup.location, part)}`;
  const { exitCode } = await deed.context
    .host()
    .run(["tar", "--diff", "--absolute-names", archive], { timeoutMs: 600_000 });
  if (exitCode === 0) return deed.say("The declared files are as they were.");
  await deed.command(["tar", "--extract", "--absolute-names", archive], { here: true });
}

async function takeBackup(deed: Deed, service: Service): Promise<void> {
  const folder = await openBackupFolder(deed.context.config.backupFolder, service.id, `run-${deed.run.id}`);
  const manifest: BackupManifest = {
    service: service.id,
    version: deed.plan.from,
    commit: typeof deed.plan.subject.fromCommit === "string" ? deed.plan.subject.fromCommit : null,
    takenAt: new Date().toISOString(),
    writesHeld: false,
    parts: [],
    rows: {},
    tools: {},
  };
  const add = async (name: string, kind: "database" | "files", file: string) => {
    manifest.parts.push({ name, kind, file, ...(await fingerprint(`${folder}/${file}`)) });
  };
  if (service.database) {
    const database = databaseOf(service);
    manifest.writesHeld = await writesHeld(database);
    manifest.tools.pg_dump = String(await toolMajor(deed.context.host(), "pg_dump"));
    manifest.rows = await withSnapshot(database.adminUrl, async (snapshot, rows) => {
      const dump = dumpCommand(database.adminUrl, `${folder}/database.dump`, snapshot);
      await deed.command(dump.command, { env: dump.env, here: true });
      return rows;
    });
    await add("database", "database", "database.dump");
  }
  for (const part of fileParts(service)) {
    await deed.command(["tar", "--create", "--gzip", `--file=${folder}/${part.file}`, ...part.paths], {
      here: true,
    });
    await add(part.name, "files", part.file);
  }
  await writeManifest(folder, manifest);
  const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
  const id = await transaction(deed.context.journal, (tx) =>
    recordBackup(tx, { service: service.id, runId: deed.run.id, location: folder, manifest, bytes }),
  );
  deed.remember({ backupId: id });
  const rows = Object.values(manifest.rows).reduce((sum, count) => sum + count, 0);
  deed.say(`Backup ${id}: ${manifest.parts.length} parts, ${bytes} bytes, ${rows} rows, in ${folder}`);
}

function fileParts(service: Service): { name: string; file: string; paths: string[] }[] {
  // tar would write beside the service, on the wrong machine
  if (service.host !== "local") return [];
  return [
    ...(service.repository
      ? [
          {
            name: "application",
            file: "application.tar.gz",
            paths: ["--directory", service.repository.path, "."],
          },
        ]
      : []),
    ...(service.files.length
      ? [
          {
            name: CONFIGURATION,
            file: "configuration.tar.gz",
            paths: ["--absolute-names", "--", ...service.files],
          },
        ]
      : []),
  ];
}
