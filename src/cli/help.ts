import type { Command } from "./command.ts";

/** What `steward help` shows, made from what the commands say of themselves. */
export function helpText(commands: readonly Command[]): string {
  const lines = commands.map((command) => `  steward ${command.usage}\n      ${command.help}`);
  return [
    "Steward, the teammate on duty in Slack.",
    "",
    "  steward start",
    "      Runs Steward; with neither Slack tokens nor a config the sandbox, a local stand-in for Slack.",
    ...lines,
    "  steward help",
    "      Shows this.",
    "",
    "In Slack: /ops help",
    "",
  ].join("\n");
}
