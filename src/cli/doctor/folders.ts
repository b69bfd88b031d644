import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Config, Environment } from "../../config.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** Steward's own folders: there and writable, or such that they can be made. */
export async function examineFolders(
  environment: Environment,
  config: Config | undefined,
): Promise<Finding[]> {
  return [
    await examineFolder("Home", environment.home, "STEWARD_HOME"),
    ...(config ? [await examineFolder("Backups", config.backupFolder, "backups.folder in steward.yml")] : []),
  ];
}

async function examineFolder(check: string, path: string, setting: string): Promise<Finding> {
  const there = await nearestExisting(path);
  const advice = `Make it a folder that this user may write, or point ${setting} elsewhere.`;
  if (!(await stat(there)).isDirectory()) return problem(check, `${there} is not a folder`, advice);
  try {
    await access(there, constants.W_OK | constants.X_OK);
  } catch {
    return problem(check, `${there} cannot be written`, advice);
  }
  return ok(check, there === path ? `${path} is writable` : `${path} will be made`);
}

async function nearestExisting(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    if ((await stat(place).catch(() => undefined)) || place === dirname(place)) return place;
  }
}
