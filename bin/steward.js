#!/usr/bin/env node
// The way in: finds Node 24 and starts Steward, its sandbox, or a command. Plain JavaScript for Node 20.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findNode } from "./node24.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [file, args] = entry(process.argv.slice(2));
// compiled once and kept: the next start is quicker, and does without the compiler's 20 MB
process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "steward");
const node = findNode(root);

if (!node) {
  fail(
    1,
    `Steward needs Node 24 or newer; this is ${process.version}. Run \`npm ci\` in ${root}, or install it.`,
  );
} else if (node === process.execPath) {
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
} else {
  startProcess();
}

/** The file to run and its arguments. */
function entry([command, ...rest]) {
  if (command !== "start")
    return [join(root, "src", "cli.ts"), command === undefined ? [] : [command, ...rest]];
  if (isConfigured()) return [join(root, "src", "main.ts"), rest];
  if (process.env.NODE_ENV === "production") {
    fail(
      2,
      "Nothing is configured (no SLACK_* tokens, no steward.yml), and the sandbox, which starts then, " +
        "is refused under NODE_ENV=production.",
    );
  }
  return [join(root, "src", "sandbox", "main.ts"), rest];
}

function isConfigured() {
  const names = ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "STEWARD_CONFIG"];
  return names.some((name) => process.env[name]) || existsSync("steward.yml");
}

function startProcess() {
  const child = spawn(node, [...process.execArgv, file, ...args], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("error", (error) => fail(1, `${node} does not start: ${error.message}`));
  child.once("exit", (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}

function fail(code, message) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
