/** What lies between two commits for the database: which migrations, and the command that takes them back. */
import { basename, extname } from "node:path";
import type { Service } from "../config.ts";
import { changedFiles, filesAt, type Repository } from "../targets/git.ts";
import { fillCommand } from "./arguments.ts";

export interface Migrations {
  /** files under repository.migrations that differ, in order */
  changed: string[];
  /** the declared down-migrations, filled: what takes the newer commit's schema to the older one's */
  down: string[] | null;
}

/** `older` and `newer` tell which way is back; `version` is the older one's. Without a declared folder nothing is known. */
export async function migrationsBetween(
  service: Service,
  repository: Repository,
  older: { commit: string; version: string | null },
  newer: { commit: string },
): Promise<Migrations> {
  const folder = service.repository?.migrations;
  if (folder === undefined) {
    return {
      changed: [],
      down: downCommand(service, { version: older.version, count: 0, stays: undefined }),
    };
  }
  const changed = await changedFiles(repository, older.commit, newer.commit, folder);
  if (changed.length === 0) return { changed, down: null };
  const before = await filesAt(repository, older.commit, folder);
  const added = (await filesAt(repository, newer.commit, folder)).filter((file) => !before.includes(file));
  return {
    changed,
    down: downCommand(service, { version: older.version, count: added.length, stays: before.at(-1) }),
  };
}

export function downCommand(
  service: Service,
  back: { version: string | null; count: number; stays: string | undefined },
): string[] | null {
  if (!service.commands.down) return null;
  return fillCommand(service.commands.down, {
    version: back.version ?? "",
    count: back.count ? String(back.count) : "",
    back: back.count ? `-${back.count}` : "",
    migration: back.stays ? basename(back.stays, extname(back.stays)) : "",
  });
}
