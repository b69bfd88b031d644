import { StewardError } from "../errors.ts";

const PLACEHOLDER = /\{([a-z]+)\}/g;

/**
 * A declared command with its placeholders filled: `{version}` stands for a whole argument, never for a part of one,
 * so that a value cannot become an option or two words. Throws `bad_command_template` for anything else.
 */
export function fillCommand(command: readonly string[], values: Record<string, string>): string[] {
  return command.map((argument) => {
    const names = [...argument.matchAll(PLACEHOLDER)].map((match) => match[1]!);
    if (names.length === 0) return argument;
    const [name = ""] = names;
    const value = values[name];
    if (argument === `{${name}}` && value !== undefined && value !== "" && !/^-(?!\d+$)/.test(value))
      return value;
    const allowed = Object.keys(values)
      .map((known) => `{${known}}`)
      .join(", ");
    throw new StewardError(
      "bad_command_template",
      value === ""
        ? `There is nothing to put in the place of '${argument}'`
        : `'${argument.slice(0, 60)}' cannot be filled; whole arguments allowed here: ${allowed || "none"}`,
      { hint: `Look at the command ${command[0]} in steward.yml.` },
    );
  });
}

/** The placeholders that a command uses. */
export function placeholdersOf(command: readonly string[]): string[] {
  return command.flatMap((argument) => [...argument.matchAll(PLACEHOLDER)].map((match) => match[1]!));
}
