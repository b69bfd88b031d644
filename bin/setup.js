#!/usr/bin/env node
// Makes a checkout ready to run: installs what package-lock.json says, when it isn't here yet, and makes
// sure of Node 24. npm runs it before `start`, `test` and `check`. Plain JavaScript for Node 20, no imports
// from node_modules: it runs before there are any. `--dev`: the tools for tests and checks, too.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findNode } from "./node24.js";

const LOCK_POLL_MS = 200;
const LOCK_WITHOUT_OWNER_MS = 10_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dev = process.argv.includes("--dev");

if (!isInstalled() || !findNode(root)) withLock(install);
if (!findNode(root)) {
  fail(
    `Steward needs Node 24 or newer; this is ${process.version}, and npm has no Node 24 for ` +
      `${process.platform}-${process.arch} here. Install Node 24 (https://nodejs.org) and try again.`,
  );
}

/** npm leaves what it has installed in node_modules/.package-lock.json, as the last thing that it does. */
function isInstalled() {
  const wanted = readPackages(join(root, "package-lock.json"));
  if (!wanted) fail("package-lock.json is missing or unreadable: this is no whole checkout of Steward.");
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (!installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    const here = installed[path];
    if (here) return here.version === entry.version && here.integrity === entry.integrity;
    return path === "" || entry.optional || entry.devOptional || (entry.dev && !dev);
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function install() {
  // Another call may have done it while this one waited for the lock.
  if (isInstalled() && findNode(root)) return;
  process.stderr.write("Installing what Steward needs (only after a change of package-lock.json) ...\n");
  const args = ["ci", dev ? "--include=dev" : "--omit=dev", "--include=optional"];
  args.push("--loglevel=error", "--no-audit", "--no-fund", "--no-progress");
  const npm = process.env.npm_execpath ?? "";
  const [program, first] = /^npm-cli\.c?js$/.test(basename(npm)) ? [process.execPath, [npm]] : ["npm", []];
  const result = spawnSync(program, [...first, ...args], { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  fail(`npm ${args.join(" ")} failed${result.error ? `: ${result.error.message}` : ""}`);
}

/** Two npm at once would tear each other's node_modules apart. */
function withLock(action) {
  const lock = join(root, ".steward", "setup.lock");
  mkdirSync(dirname(lock), { recursive: true });
  while (!takeLock(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
  process.once("exit", () => rmSync(lock, { recursive: true, force: true }));
  action();
}

function takeLock(lock) {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, "pid"), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (isStale(lock)) {
    const aside = `${lock}.${process.pid}`;
    try {
      renameSync(lock, aside);
      rmSync(aside, { recursive: true, force: true });
    } catch {
      // another waiting call has cleared it
    }
  }
  return false;
}

function isStale(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, "pid"), "utf8") || Number.NaN), 0);
    return false;
  } catch (error) {
    if (error.code === "ESRCH") return true;
    if (error.code === "EPERM") return false;
  }
  const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return age > LOCK_WITHOUT_OWNER_MS;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
