import { access, constants, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Environment, Service } from "../../config.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** Whether the program of every declared command is there. None is run. */
export async function examineCommands(service: Service, environment: Environment): Promise<Finding[]> {
  const declared = Object.entries(service.commands).filter(([, command]) => command !== undefined);
  if (declared.length === 0) return [];
  const check = `${service.id} commands`;
  const path = service.environment.PATH ?? environment.variables.PATH ?? "";
  const missing: string[] = [];
  for (const [name, command] of declared) {
    const program = command![0]!;
    if (!(await findProgram(program, path, service.repository?.path ?? process.cwd())))
      missing.push(`${name}: '${program}'`);
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
