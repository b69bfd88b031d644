import { StewardError } from "../../errors.ts";
import type { Domain } from "../domain.ts";
import { cancel } from "./cancel.ts";
import type { Command } from "./command.ts";
import { health } from "./health.ts";
import { helpCommand } from "./help.ts";
import { incident } from "./incident.ts";
import { incidents } from "./incidents.ts";
import type { ParsedCommand } from "./parse.ts";
import { run } from "./run.ts";
import { runbookCommand, unknownCommand } from "./runbook.ts";
import { runs } from "./runs.ts";
import { status } from "./status.ts";

export const commands: readonly Command[] = [
  status,
  health,
  runs,
  run,
  incidents,
  incident,
  cancel,
  helpCommand(() => commands),
];

/**
 * The command that was meant, and its words. Nothing typed is help. Throws `unknown_command` and
 * `unknown_option`, naming what there is.
 */
export function findCommand(domain: Domain, parsed: ParsedCommand): { command: Command; words: string[] } {
  const [typed = "help", ...words] = parsed.words;
  const all = [...commands, ...domain.knownRunbooks().map(runbookCommand)];
  const command = all.find(({ name }) => name === typed.toLowerCase());
  if (!command)
    throw unknownCommand(
      typed,
      all.map(({ name }) => name),
    );
  const allowed = command.options ?? [];
  for (const name of parsed.options.keys()) {
    if (allowed.includes(name)) continue;
    throw new StewardError(
      "unknown_option",
      `${command.name} has no option --${name}${allowed.length ? `; it has: ${allowed.map((one) => `--${one}`).join(", ")}` : ""}`,
      {
        hint: command.usage.map((usage) => `/ops ${usage}`).join(" or "),
      },
    );
  }
  return { command, words };
}
