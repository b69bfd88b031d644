import type { Config, Environment, Service } from "../../config.ts";
import { createRedact } from "../../redact.ts";
import { type Abilities, readAbilities } from "../../targets/abilities.ts";
import { serverMajor, serviceDatabase, toolMajor } from "../../targets/database.ts";
import type { Host } from "../../targets/host.ts";
import { openHosts } from "../../targets/hosts.ts";
import { measureService } from "../../tasks/checks/measure.ts";
import { examineCommands } from "./commands.ts";
import { type Finding, guarded, ok, problem, problemOf, warning } from "./finding.ts";
import { examineRepository } from "./repository.ts";

const ANSWER_MS = 20_000;

/** What a service's declaration speaks of: is it there, does it answer, may we do what a run does? */
export async function examineService(
  service: Service,
  environment: Environment,
  config: Config,
): Promise<Finding[]> {
  const hosts = openHosts({ redact: createRedact(config.secrets), environment: environment.variables });
  const host = hosts.of(service.host);
  try {
    const all = service.fleet?.hosts.map((member) => hosts.of(member.host)) ?? [host];
    const reached = (
      await Promise.all(all.map((one) => guarded(`${service.id} host`, () => examineHost(service, one))))
    ).flat();
    const away = reached.some((finding) => finding.state === "problem");
    const parts = await Promise.all([
      ...(away
        ? []
        : [
            guarded(`${service.id} repository`, () => examineRepository(service, host)),
            guarded(`${service.id} commands`, () => examineCommands(service, environment, host)),
          ]),
      guarded(`${service.id} database`, () => examineDatabase(service, hosts.here)),
      guarded(`${service.id} checks`, () => examineChecks(service, host)),
    ]);
    const mode = service.observe
      ? [ok(service.id, "observed: checked and reported; no incidents, no runbooks")]
      : [];
    return [...mode, ...reached, ...parts.flat()];
  } finally {
    await hosts.close();
  }
}

/** Whether a host over SSH lets us in and runs what it is given. */
async function examineHost(service: Service, host: Host): Promise<Finding[]> {
  if (service.host === "local") return [];
  const check = `${service.id} host`;
  const { exitCode, output } = await host.run(["uname", "-srm"], { timeoutMs: ANSWER_MS });
  return [
    exitCode === 0
      ? ok(check, `${host.name}: ${output.trim()}`)
      : problem(check, `${host.name}: ${output.trim()}`, "See that the account has an ordinary shell."),
  ];
}

/** Every check once, as the watch would measure it: health URL, database and Redis are among them. */
async function examineChecks(service: Service, host: Host): Promise<Finding[]> {
  const readings = await measureService(service, { hostOf: () => host });
  return readings.map(({ check, state, summary }) => {
    const name = `${service.id} ${check}`;
    if (state === "ok") return ok(name, summary);
    const advice = "Mend it, or correct what steward.yml declares of it.";
    return state === "warning" ? warning(name, summary, advice) : problem(name, summary, advice);
  });
}

async function examineDatabase(service: Service, host: Host): Promise<Finding[]> {
  if (!service.database) return [];
  const check = `${service.id} database`;
  const database = serviceDatabase(service.database);
  let abilities: Abilities;
  try {
    abilities = await readAbilities(database);
  } catch (error) {
    return [
      problemOf(
        check,
        error,
        `Check ${service.database.admin ? "database.admin" : "database.url"} in steward.yml and that the server is up.`,
      ),
    ];
  }
  const lacking = lackingAbilities(abilities, service);
  const role = service.database.admin
    ? `admin ${abilities.role}`
    : `${abilities.role} (no database.admin is declared)`;
  // what is never going to be done need not be possible
  const needed = !service.observe && service.commands.migrate !== undefined;
  const say = needed ? problem : warning;
  return [
    lacking.length === 0
      ? ok(check, `${role} may do what an update and its undoing need`)
      : say(
          check,
          `${role} may not ${lacking.join(", nor ")}`,
          `Declare database.admin with a role that has CREATEDB, owns ${database.name} and is a member of ${database.appRole}, or is a superuser.`,
        ),
    await examineTools(check, database.adminUrl, host, say),
  ];
}

function lackingAbilities({ holdWrites, endSessions, replace }: Abilities, service: Service): string[] {
  const holds = service.database?.holdWrites === true;
  return [
    holds && !holdWrites ? "hold writes" : "",
    endSessions ? "" : "end the application's sessions",
    replace ? "" : "put a backup in the database's place",
  ].filter(Boolean);
}

async function examineTools(
  check: string,
  adminUrl: string,
  host: Host,
  say: typeof problem,
): Promise<Finding> {
  const [server, dump, restore] = [
    await serverMajor(adminUrl),
    await toolMajor(host, "pg_dump"),
    await toolMajor(host, "pg_restore"),
  ];
  const name = `${check} tools`;
  const advice = `Install the PostgreSQL client, version ${server} or newer, on PATH.`;
  if (dump === null || restore === null)
    return say(name, `${dump === null ? "pg_dump" : "pg_restore"} is not installed: no backups`, advice);
  if (Math.min(dump, restore) < server)
    return say(
      name,
      `pg_dump ${dump} and pg_restore ${restore} are older than the server (${server}): no backups`,
      advice,
    );
  return ok(name, `pg_dump ${dump}, pg_restore ${restore}, server ${server}`);
}
