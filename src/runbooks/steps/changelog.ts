import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The section of a release: version, day, and what changed, newest first. */
export function changelogSection(version: string, day: string, changes: readonly string[]): string {
  const lines = changes.map((change) => `- ${change}`);
  return `## ${version} (${day})\n${lines.join("\n") || "- Nothing but the release itself"}\n`;
}

/** Puts the section before the newest one, below the file's heading; the file is made if it is not there. */
export async function addToChangelog(folder: string, section: string): Promise<void> {
  const path = join(folder, "CHANGELOG.md");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "# Changelog\n";
    throw error;
  });
  const at = text.search(/^## /m);
  const [before, after] = at < 0 ? [text.trimEnd(), ""] : [text.slice(0, at).trimEnd(), text.slice(at)];
  await writeFile(path, `${before}\n\n${section}${after ? `\n${after}` : ""}`);
}
