import { nearest, StewardError } from "../../errors.ts";
import type { KnownRunbook } from "../domain.ts";
import { badArgument, type Command } from "./command.ts";

const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const VERSION_ALLOWED = "letters, digits and . _ + - , beginning with a letter or digit, at most 64";

/** A runbook as a command: `/ops update SERVICE [VERSION] [--plan]`. */
export function runbookCommand(runbook: KnownRunbook): Command {
  const usage = runbookUsage(runbook);
  const names = runbook.args.map((arg) => arg.name);
  return {
    name: runbook.name,
    usage: [usage],
    help: runbook.help,
    roles: ["operator"],
    options: ["plan", ...names],
    async run({ config, domain }, tx, { words, options, actor, channel, intentId }) {
      const [typed, ...rest] = words;
      const services = config.services.map(({ id }) => id).join(", ") || "none declared";
      if (!typed)
        throw new StewardError("missing_argument", `${runbook.name} needs a service; known: ${services}`, {
          hint: `/ops ${usage}`,
        });
      const service = domain.findService(typed).id;
      if (rest.length > names.length)
        throw badArgument(
          rest[names.length],
          names.length ? `at most ${names.join(" ")}` : "only the service",
          usage,
        );
      const args: Record<string, string> = {};
      for (const [index, name] of names.entries()) {
        const given = options.get(name) ?? rest[index];
        if (given === undefined) continue;
        if (typeof given !== "string" || !VERSION.test(given))
          throw badArgument(String(given), `${name}: ${VERSION_ALLOWED}`, usage);
        args[name] = given;
      }
      if (options.has("plan") && options.get("plan") !== true)
        throw badArgument(String(options.get("plan")), "--plan takes no value", usage);
      await domain.requestRun(tx, {
        runbook: runbook.name,
        service,
        args,
        actor,
        channel,
        intentId,
        showOnly: options.has("plan"),
      });
    },
  };
}

export function runbookUsage({ name, args }: KnownRunbook): string {
  const words = args.map((arg) => (arg.required ? arg.name.toUpperCase() : `[${arg.name.toUpperCase()}]`));
  return [name, "SERVICE", ...words, "[--plan]"].join(" ");
}

/** Throws `unknown_command`, with the nearest and the list. */
export function unknownCommand(typed: string, known: string[]): StewardError {
  const near = nearest(typed, known);
  const shown = `'${typed.slice(0, 60)}${typed.length > 60 ? "…" : ""}'`;
  return new StewardError("unknown_command", `Unknown command ${shown}; known: ${known.join(", ")}`, {
    hint: near ? `Did you mean /ops ${near}?` : "/ops help says what each does.",
  });
}
