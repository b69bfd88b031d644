import { type Command, noMoreWords } from "./command.ts";

export const health: Command = {
  name: "health",
  usage: ["health [SERVICE]"],
  help: "measures everything now and reports it here, for all to see",
  roles: null,
  async run({ domain }, tx, { words, intentId, actor, channel }) {
    noMoreWords(words, 1, "health [SERVICE]");
    const service = words[0] ? domain.findService(words[0]).id : null;
    await domain.requestReport(tx, { task: "health", service, channel, requestedBy: actor.id, intentId });
  },
};
