import { readFile } from "node:fs/promises";
import type { Command } from "./command.ts";

export const version: Command = {
  name: "version",
  usage: "version",
  help: "Shows the versions of Steward and of Node.",
  async run(_args, terminal) {
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    terminal.write(`steward ${version}, Node ${process.version}\n`);
    return 0;
  },
};
