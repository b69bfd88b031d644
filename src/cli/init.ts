import type { Command } from "./command.ts";
export const init: Command = { name: "init", usage: "init", help: "", run: async () => 0 };
