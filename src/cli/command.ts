import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { StewardError } from "../errors.ts";

/** Where a command's words come from and go to. */
export interface Terminal {
  write(text: string): void;
  complain(text: string): void;
  /** whether a person sits there who can be asked */
  interactive: boolean;
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
}

/** A command of the terminal. To add one: its file, and its line in index.ts. */
export interface Command {
  name: string;
  usage: string;
  help: string;
  /** Gives the exit code. A StewardError is told in plain words by the caller. */
  run(args: string[], terminal: Terminal): Promise<number>;
}

/** Reads options; anything unknown is refused. Throws `bad_usage`. */
export function readOptions<Options extends ParseArgsOptionsConfig>(
  command: Pick<Command, "name" | "usage">,
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, options, allowPositionals: false, strict: true }).values;
  } catch (cause) {
    const [said = ""] = (cause as Error).message.split(/\. |\n/);
    throw new StewardError("bad_usage", said, { hint: `Usage: steward ${command.usage}`, cause });
  }
}
