#!/usr/bin/env node
// Starts and stops the demo shop, as systemd would elsewhere:
//   node ctl.js start|stop|restart|status --home FOLDER
// FOLDER/shop.json (written when the demo is created) says how; the process's number is kept in FOLDER.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 5_000;
const POLL_MS = 25;

const actions = { start, stop, restart, status };
const { action, home } = parseArguments(process.argv.slice(2));
const pidFile = join(home, "shop.pid");
const logFile = join(home, "shop.log");
await action();

function parseArguments([name, option, folder]) {
  if (Object.hasOwn(actions, name) && option === "--home" && folder)
    return { action: actions[name], home: folder };
  console.error(`usage: node ctl.js ${Object.keys(actions).join("|")} --home FOLDER`);
  process.exit(2);
}

async function start() {
  if (running()) return console.log(`shop is running already (process ${running().pid})`);
  const settings = JSON.parse(readFileSync(join(home, "shop.json"), "utf8"));
  const log = openSync(logFile, "w", 0o600);
  const child = spawn(process.execPath, ["server.js"], {
    cwd: settings.checkout,
    // Not ours: what Steward was started with is none of the shop's business.
    env: { PATH: process.env.PATH, ...settings.environment },
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let ended = null;
  child.once("exit", (code, signal) => {
    ended = signal ?? code;
  });
  // At once, and not when it listens: whoever is interrupted here must not leave a shop that nobody knows.
  writePid({ pid: child.pid, startTime: startTime(child.pid) });
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!/^shop \S+ listens on \d+$/m.test(readFileSync(logFile, "utf8"))) {
    if (ended !== null) return fail(`shop ended at its start (${ended})`);
    if (Date.now() > deadline) {
      await stop();
      return fail(`shop does not listen after ${START_DEADLINE_MS / 1000} s`);
    }
    await pause(POLL_MS);
  }
  child.unref();
  console.log(readFileSync(logFile, "utf8").trim().split("\n").at(-1));
}

async function stop() {
  const shop = running();
  if (shop) {
    signalGroup(shop.pid, "SIGTERM");
    if (!(await gone(shop, STOP_DEADLINE_MS))) {
      signalGroup(shop.pid, "SIGKILL");
      await gone(shop, STOP_DEADLINE_MS);
    }
    console.log(`shop has stopped (process ${shop.pid})`);
  } else {
    console.log("shop does not run");
  }
  rmSync(pidFile, { force: true });
}

async function restart() {
  await stop();
  await start();
}

function status() {
  const shop = running();
  console.log(shop ? `shop is running (process ${shop.pid})` : "shop does not run");
  // As systemctl does.
  if (!shop) process.exitCode = 3;
}

/** The recorded process if it still is the one that was recorded: numbers are given out again. */
function running() {
  try {
    const shop = JSON.parse(readFileSync(pidFile, "utf8"));
    const time = startTime(shop.pid);
    return time !== null && time === shop.startTime ? shop : null;
  } catch {
    return null;
  }
}

function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : fields[19];
  } catch {
    if (process.platform === "linux") return null;
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null;
  } catch {
    return null;
  }
}

function writePid(shop) {
  writeFileSync(`${pidFile}.new`, JSON.stringify(shop));
  renameSync(`${pidFile}.new`, pidFile);
}

async function gone(shop, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  while (startTime(shop.pid) === shop.startTime) {
    if (Date.now() > deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

function fail(message) {
  const end = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-10).join("\n");
  console.error(`${message}; ${logFile} ends with:\n${end}`);
  process.exitCode = 1;
}
