import { errorRecord, nearest, StewardError } from "../errors.ts";
import { createRedact } from "../redact.ts";
import type { Terminal } from "./command.ts";
import { helpText } from "./help.ts";
import { commands } from "./index.ts";

const ALIASES: Record<string, string> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-v": "version",
};
/** What could not be understood, against what could not be done. */
const USAGE = ["bad_usage", "unknown_command", "config_invalid"];

/** Runs the command that the arguments name and gives the exit code: 2 for what cannot be understood. */
export async function runCommand([typed = "help", ...args]: string[], terminal: Terminal): Promise<number> {
  const name = ALIASES[typed] ?? typed;
  try {
    if (name === "help") {
      terminal.write(helpText(commands));
      return 0;
    }
    const command = commands.find((known) => known.name === name);
    if (!command) throw unknown(name);
    if (args.includes("--help")) {
      terminal.write(`steward ${command.usage}\n  ${command.help}\n`);
      return 0;
    }
    return await command.run(args, terminal);
  } catch (error) {
    const { code, message, hint } = errorRecord(error);
    terminal.complain(createRedact([])(`${message}${hint ? `\n${hint}` : ""}\n`));
    return USAGE.includes(code) ? 2 : 1;
  }
}

function unknown(typed: string): StewardError {
  const names = ["start", ...commands.map((command) => command.name), "help"];
  const near = nearest(typed, names);
  return new StewardError(
    "unknown_command",
    `Unknown command '${typed.slice(0, 60)}'; known: ${names.join(", ")}`,
    { hint: near ? `Did you mean ${near}?` : "steward help shows what each does." },
  );
}
