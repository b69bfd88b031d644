import type { Json } from "../../journal/types.ts";
import type { Command } from "./command.ts";
import { runbookUsage } from "./runbook.ts";

/** Made of each command's own text. `known` comes as a function: help is one of them. */
export function helpCommand(known: () => readonly Command[]): Command {
  return {
    name: "help",
    usage: ["help"],
    help: "shows this",
    roles: null,
    async run({ config, domain }, _tx, request) {
      const data = {
        commands: known().flatMap(({ usage, help, roles }) =>
          usage.map((one, index) => ({ usage: one, help: index === 0 ? help : "", acts: roles !== null })),
        ),
        runbooks: domain
          .knownRunbooks()
          .map((runbook) => ({ usage: runbookUsage(runbook), help: runbook.help })),
        services: config.services.map(({ id }) => id),
      };
      await request.reply("help", data as { [key: string]: Json });
    },
  };
}
