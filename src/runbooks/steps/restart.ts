import type { Service } from "../../config.ts";
import type { Deed, Step } from "../runbook.ts";

/** Restarting twice is as good as once. */
export function restartStep(service: Service): Step {
  return {
    name: "restart",
    title: `Restart ${service.id}`,
    commands: restartCommands(service),
    idempotent: true,
    timeoutMs: service.commandTimeout,
    run: (deed) => restartService(deed, service),
  };
}

export async function restartService(deed: Deed, service: Service): Promise<void> {
  for (const command of restartCommands(service))
    await deed.command(command, service.repository ? { cwd: service.repository.path } : {});
}

/** The declared restart; or stop and start. Empty when the service declares neither. */
export function restartCommands(service: Service): string[][] {
  const { restart, stop, start } = service.commands;
  if (restart) return [restart];
  return stop && start ? [stop, start] : [];
}
