/**
 * The only reader of `process.env` and `steward.yml`. Everything wrong is reported at once, each problem
 * with its path, its value and what is allowed; nothing starts on a config that is not whole.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { parse } from "yaml";
import { withPresets } from "./config/presets.ts";
import { formatProblem, type Problem, problemsOf } from "./config/problems.ts";
import { type ConfigFile, configSchema, type ServiceFile, type Units } from "./config/schema.ts";
import { type Service, serviceOf } from "./config/service.ts";
import { unknownEnvironments, withEnvironments } from "./config/services.ts";
import { nearest, StewardError } from "./errors.ts";

export type { Units } from "./config/schema.ts";
export type { Fleet, HostDeclaration, RunbookRules, Service } from "./config/service.ts";

/** What the process was started with. */
export interface Environment {
  production: boolean;
  slack: { botToken?: string; appToken?: string; signingSecret?: string; apiUrl?: string };
  databaseUrl?: string;
  configPath: string;
  /** STEWARD_HOME, absolute: mirrors, backups, the embedded database */
  home: string;
  port: number;
  sandboxPort: number;
  /** where the sandbox's demo service listens */
  shopPort: number;
  logLevel: string;
  /** the whole environment, for `{env: NAME}` references and for commands */
  variables: Record<string, string | undefined>;
}

export type CheckDeclaration = NonNullable<ServiceFile["checks"]>[number];
/** `at` is a cron rule in `zone`. */
export interface Schedule {
  at: string;
  zone: string;
  channel?: string | undefined;
}
export type Roles = ConfigFile["roles"];
export type Role = keyof Roles;

export interface Config {
  slack: ConfigFile["slack"];
  roles: Roles;
  services: Service[];
  /** of the windows and freezes, and of schedules that name none */
  zone: string;
  freezes: ConfigFile["freezes"];
  schedules: Record<string, Schedule | undefined>;
  backupFolder: string;
  /** every secret value met on the way, for the redaction */
  secrets: Set<string>;
}

/** Reads the process environment. Throws `config_invalid` naming every bad variable. */
export function readEnvironment(variables: Record<string, string | undefined> = process.env): Environment {
  const problems: Problem[] = [];
  const port = (name: string, fallback: number): number => {
    const text = variables[name];
    if (text === undefined || text === "") return fallback;
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
    problems.push({ path: name, value: `'${text}'`, allowed: "a port from 0 to 65535" });
    return fallback;
  };
  const logLevel = variables.LOG_LEVEL || "info";
  const levels = ["debug", "info", "warn", "error", "silent"];
  if (!levels.includes(logLevel))
    problems.push({ path: "LOG_LEVEL", value: `'${logLevel}'`, allowed: levels.join(", ") });
  const environment: Environment = {
    production: variables.NODE_ENV === "production",
    slack: {
      botToken: variables.SLACK_BOT_TOKEN || undefined,
      appToken: variables.SLACK_APP_TOKEN || undefined,
      signingSecret: variables.SLACK_SIGNING_SECRET || undefined,
      apiUrl: variables.SLACK_API_URL || undefined,
    },
    databaseUrl: variables.DATABASE_URL || undefined,
    configPath: resolve(variables.STEWARD_CONFIG || "steward.yml"),
    home: resolve(variables.STEWARD_HOME || ".steward"),
    port: port("PORT", 4480),
    sandboxPort: port("SANDBOX_PORT", 4400),
    shopPort: port("SHOP_PORT", 4410),
    logLevel,
    variables,
  };
  if (problems.length) throw invalid("environment", problems);
  return environment;
}

/**
 * Reads and checks `steward.yml`. `units` are the parameter schemas of the checks and the names of the
 * tasks, passed in so that config knows none of them.
 * Throws `config_missing` or `config_invalid`; the latter's message has one line a problem.
 */
export async function loadConfig(environment: Environment, units: Units): Promise<Config> {
  return parseConfig(await readFileOf(environment), environment, units, environment.configPath);
}

/** The files that `plugins:` names, absolute: they have to be loaded before the rest can be understood. */
export async function readPluginPaths(environment: Environment): Promise<string[]> {
  const input = (await readFileOf(environment)) as { plugins?: unknown } | null;
  const paths = Array.isArray(input?.plugins) ? input.plugins : [];
  return paths
    .filter((path) => typeof path === "string")
    .map((path) => resolve(dirname(environment.configPath), path));
}

async function readFileOf(environment: Environment): Promise<unknown> {
  const path = environment.configPath;
  if (!existsSync(path)) {
    throw new StewardError("config_missing", `No config at ${path}`, {
      hint: "Run `steward init` to write one, or point STEWARD_CONFIG at yours.",
    });
  }
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new StewardError("config_invalid", `${path} cannot be read: ${cause.message}`, { cause });
  });
  try {
    return parse(text) ?? {};
  } catch (cause) {
    // the first line alone: what follows quotes the file, and a secret may stand there
    throw new StewardError(
      "config_invalid",
      `${path} is not YAML: ${(cause as Error).message.split("\n")[0]}`,
    );
  }
}

/** The same for a config that is already in memory; `path` is what messages call it. */
export function parseConfig(
  input: unknown,
  environment: Environment,
  units: Units,
  path = "steward.yml",
): Config {
  const environments = withEnvironments(input);
  const expanded = withPresets(environments.input);
  const found = new Set<string>();
  const parsed = configSchema(units, { environment: environment.variables, found }).safeParse(expanded.input);
  const problems = [
    ...environments.problems,
    ...expanded.problems,
    ...(parsed.success ? [] : problemsOf(parsed.error, expanded.input)),
  ];
  if (parsed.success) problems.push(...unknownEnvironments(parsed.data));
  if (!parsed.success || problems.length) throw invalid(path, problems);
  const file = parsed.data;
  for (const token of [
    environment.slack.botToken,
    environment.slack.appToken,
    environment.slack.signingSecret,
  ]) {
    if (token) found.add(token);
  }
  const base = dirname(environment.configPath);
  const absolute = (value: string) => (isAbsolute(value) ? value : resolve(base, value));
  return {
    slack: file.slack,
    roles: file.roles,
    services: Object.entries(file.services).map(([key, service]) => serviceOf(key, service, absolute)),
    zone: file.zone,
    freezes: file.freezes,
    schedules: Object.fromEntries(
      Object.entries(file.schedules).map(([task, schedule]) => [
        task,
        schedule && { ...schedule, zone: schedule.zone ?? file.zone },
      ]),
    ),
    backupFolder: absolute(file.backups?.folder ?? resolve(environment.home, "backups")),
    secrets: found,
  };
}

/**
 * The service that a person named: `shop` or `shop@staging`. A bare name never means production when
 * several environments exist. Throws `unknown_service` or `ambiguous_service`, naming the choices.
 */
export function findService(config: Config, typed: string): Service {
  const exact = config.services.find((service) => service.id === typed);
  if (exact) return exact;
  const named = config.services.filter((service) => service.name === typed);
  const harmless = named.filter((service) => service.environmentName !== "production");
  const ids = config.services.map((service) => service.id);
  if (named.length > 0) {
    if (harmless.length === 1) return harmless[0]!;
    throw new StewardError("ambiguous_service", `'${typed}' exists in several environments`, {
      hint: `Say which: ${named.map((service) => service.id).join(", ")}`,
    });
  }
  const near = nearest(typed, ids);
  throw new StewardError(
    "unknown_service",
    `Unknown service '${typed.slice(0, 60)}'; known: ${ids.join(", ") || "none"}`,
    {
      hint: near ? `Did you mean ${near}?` : "Services are declared in steward.yml.",
    },
  );
}

/**
 * Whether the roles give this person that role. Empty lists deny, guests have no role, an admin is an
 * operator and an approver too, and may break the glass only where named for it; that nobody approves what they asked for is the approval's own rule.
 */
export function hasRole(
  roles: Roles,
  actor: { kind: string; id: string; groups?: string[]; guest?: boolean },
  role: Role,
): boolean {
  if (actor.kind !== "person" || actor.guest) return false;
  const wanted: Role[] = role === "admin" || role === "breakGlass" ? [role] : [role, "admin"];
  return wanted.some((name) => {
    const members = roles[name];
    return Boolean(
      members?.users.includes(actor.id) || actor.groups?.some((group) => members?.groups.includes(group)),
    );
  });
}

function invalid(path: string, problems: Problem[]): StewardError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new StewardError(
    "config_invalid",
    `${path} has ${count}:\n${problems.map(formatProblem).join("\n")}`,
    {
      hint: "steward.example.yml shows every setting.",
    },
  );
}
