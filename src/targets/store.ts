/** A directory as the store for backups of one machine. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { StewardError } from "../errors.ts";

/** Makes the folder of one backup, empty, readable by us alone. */
export async function openBackupFolder(root: string, service: string, name: string): Promise<string> {
  const folder = join(root, service, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Size in bytes and sha256 of a file. */
export async function fingerprint(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { bytes: (await stat(file)).size, sha256: hash.digest("hex") };
}

/** Writes the manifest last, whole or not at all: half a backup never looks like one. */
export async function writeManifest(folder: string, manifest: object): Promise<void> {
  const unfinished = join(folder, "manifest.json.partial");
  const file = await open(unfinished, "w", 0o600);
  await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
  await file.sync();
  await file.close();
  await rename(unfinished, join(folder, "manifest.json"));
}

/**
 * Checks that a part is byte for byte what the manifest says before anything is made of it.
 * Throws `backup_damaged` naming the part.
 */
export async function checkPart(
  folder: string,
  part: { file: string; bytes: number; sha256: string },
): Promise<string> {
  const file = join(folder, part.file);
  const found = await fingerprint(file).catch((cause: Error) => {
    throw new StewardError("backup_damaged", `${part.file} of the backup cannot be read: ${cause.message}`, {
      hint: "Choose another backup.",
      cause,
    });
  });
  if (found.sha256 !== part.sha256 || found.bytes !== part.bytes) {
    throw new StewardError(
      "backup_damaged",
      `${part.file} is not what the manifest says (${found.bytes} bytes, expected ${part.bytes})`,
      { hint: "Choose another backup." },
    );
  }
  return file;
}
