import { nearest, StewardError } from "../../errors.ts";
import type { KnownRunbook } from "../domain.ts";
import { badArgument, type Command } from "./command.ts";

/** A runbook as a command: `/ops update SERVICE [VERSION] [--at TIME] [--plan]`. What its arguments may be is the runbook's to say. */
export function runbookCommand(runbook: KnownRunbook): Command {
  const usage = runbookUsage(runbook);
  const names = runbook.args.map((arg) => arg.name);
  const placed = runbook.args.filter((arg) => !arg.named).map((arg) => arg.name);
  return {
    name: runbook.name,
    usage: [usage],
    help: runbook.help,
    roles: ["operator"],
    options: ["plan", "at", ...names],
    async run({ config, domain }, tx, { words, options, actor, channel, intentId }) {
      const [typed, ...rest] = words;
      const services = config.services.map(({ id }) => id).join(", ") || "none declared";
      if (!typed)
        throw new StewardError("missing_argument", `${runbook.name} needs a service; known: ${services}`, {
          hint: `/ops ${usage}`,
        });
      const service = domain.findService(typed).id;
      if (rest.length > placed.length)
        throw badArgument(
          rest[placed.length],
          placed.length ? `at most ${placed.join(" ")}` : "only the service",
          usage,
        );
      const args: Record<string, string> = {};
      for (const name of names) {
        const given = options.get(name) ?? (placed.includes(name) ? rest[placed.indexOf(name)] : undefined);
        if (given === true) throw badArgument(`--${name}`, `--${name} and a value`, usage);
        if (given !== undefined) args[name] = given;
      }
      const at = options.get("at");
      if (at === true) throw badArgument("--at", "--at and a time such as 22:30", usage);
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
        ...(at === undefined ? {} : { at }),
      });
    },
  };
}

export function runbookUsage({ name, args }: KnownRunbook): string {
  const words = args.map((arg) => {
    const value = arg.allowed ?? arg.name.toUpperCase();
    const word = arg.named ? `--${arg.name} ${value}` : arg.name.toUpperCase();
    return arg.required ? word : `[${word}]`;
  });
  return [name, "SERVICE", ...words, "[--at TIME]", "[--plan]"].join(" ");
}

/** Throws `unknown_command`, with the nearest and the list. */
export function unknownCommand(typed: string, known: string[]): StewardError {
  const near = nearest(typed, known);
  const shown = `'${typed.slice(0, 60)}${typed.length > 60 ? "…" : ""}'`;
  return new StewardError("unknown_command", `Unknown command ${shown}; known: ${known.join(", ")}`, {
    hint: near ? `Did you mean /ops ${near}?` : "/ops help says what each does.",
  });
}
