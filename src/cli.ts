/** Steward's commands for a terminal. What they are stands in cli/index.ts. */
import { stdin, stdout } from "node:process";
import { runCommand } from "./cli/run.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  write: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  interactive: Boolean(stdin.isTTY && stdout.isTTY),
  input: stdin,
  output: stdout,
});
