import { type Command, idArgument, noMoreWords } from "./command.ts";
import { knownRun } from "./run.ts";

export const cancel: Command = {
  name: "cancel",
  usage: ["cancel ID"],
  help: "stops a run after its present step and undoes what it did",
  roles: ["operator"],
  async run({ domain }, tx, { words, actor, reply }) {
    noMoreWords(words, 1, "cancel ID");
    const { id } = await knownRun(tx, idArgument(words[0], "a run", "cancel ID"));
    const run = await domain.cancelRun(tx, { runId: id, actor });
    await reply("note", {
      mark: "info",
      text: run.endedAt ? `Run ${id} is cancelled.` : `Run ${id} stops after its present step.`,
    });
  },
};
