import { access, constants, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Environment, Service } from "../../config.ts";
import type { Host } from "../../targets/host.ts";
import { type Finding, ok, problem } from "./finding.ts";

const ANSWER_MS = 20_000;
/** run in a work tree on Steward's own machine, wherever the service is */
const HERE = ["dependencies", "bump", "pin"];

/** Whether the program of every declared command is there. None is run. */
export async function examineCommands(
  service: Service,
  environment: Environment,
  host: Host,
): Promise<Finding[]> {
  const declared = Object.entries(service.commands).filter(([, command]) => command !== undefined);
  if (declared.length === 0) return [];
  const check = `${service.id} commands`;
  const path = service.environment.PATH ?? environment.variables.PATH ?? "";
  const missing: string[] = [];
  for (const [name, command] of declared) {
    const program = command![0]!;
    const found =
      service.host === "local" || HERE.includes(name)
        ? await findProgram(program, path, service.repository?.path ?? process.cwd())
        : await isProgramThere(program, service, host);
    if (!found) missing.push(`${name}: '${program}'`);
  }
  return [
    missing.length === 0
      ? ok(check, declared.map(([name]) => name).join(", "))
      : problem(
          check,
          `no such program: ${missing.join("; ")}`,
          "Install it, or name it by its whole path in steward.yml.",
        ),
  ];
}

/** Asks the service's host, in the folder and with the variables that the command would have. */
async function isProgramThere(program: string, service: Service, host: Host): Promise<boolean> {
  const asked = await host.run(["sh", "-c", 'command -v -- "$1"', "sh", program], {
    timeoutMs: ANSWER_MS,
    env: service.environment,
    ...(service.repository ? { cwd: service.repository.path } : {}),
  });
  return asked.exitCode === 0;
}

async function findProgram(program: string, path: string, folder: string): Promise<string | undefined> {
  const places = program.includes("/")
    ? [resolve(folder, program)]
    : path.split(":").map((place) => join(place || folder, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      if ((await stat(place)).isFile()) return place;
    } catch {
      // not there, or not ours to run
    }
  }
  return undefined;
}
