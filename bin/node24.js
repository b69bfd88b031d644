// Which Node runs Steward. Plain JavaScript for Node 20.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const OLDEST_MAJOR = 24;

/** Path of a Node 24 or newer: this one, else the one that npm installed with the rest; else undefined. */
export function findNode(root) {
  if (isNewEnough(process.version)) return process.execPath;
  const installed = join(root, "node_modules", ".bin", "node");
  const { stdout } = spawnSync(installed, ["--version"], { encoding: "utf8" });
  return isNewEnough(stdout ?? "") ? installed : undefined;
}

function isNewEnough(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1]) >= OLDEST_MAJOR;
}
