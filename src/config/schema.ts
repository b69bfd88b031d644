import cronParser from "cron-parser";
import { z } from "zod";
import { fleet, freeze, host, people, preflight, runbooks, standing, window } from "./release-schema.ts";
import {
  commandWith,
  duration,
  holdsSecret,
  name,
  path,
  type SecretSource,
  secretUrl,
  settings,
  variables,
  zone,
} from "./values.ts";

/** What main passes in: the parameters of each check type and each scheduled task, by name. */
export interface Units {
  checks: Record<string, z.ZodObject>;
  tasks: readonly string[];
}

const SOME_OF = "a rule such as '2 of 3', the second number at most 20";

/** `2 of 3`: as many bad readings out of as many make it critical. */
const someOf = z.string({ error: SOME_OF }).transform((text, context) => {
  const match = /^(\d+) of (\d+)$/.exec(text.trim());
  const k = Number(match?.[1]);
  const n = Number(match?.[2]);
  if (!match || k < 1 || k > n || n > 20) {
    context.addIssue({ code: "custom", message: SOME_OF });
    return z.NEVER;
  }
  return { k, n };
});

function checkSchema(units: Units) {
  const common = {
    name: name.optional(),
    every: duration.optional(),
    timeout: duration.optional(),
    bad: someOf.optional(),
    good: z.number().int().min(1).max(20).optional(),
  };
  const options = Object.entries(units.checks).map(([type, params]) =>
    settings({ type: z.literal(type), ...params.shape, ...common }).superRefine(refuseSecrets),
  );
  const [first, ...rest] = options;
  if (!first) return settings({ type: z.never(), ...common });
  const types = Object.keys(units.checks).join(", ");
  return z.discriminatedUnion("type", [first, ...rest], {
    error: (issue) => (issue.code === "invalid_union" ? types : `a map with type: one of ${types}`),
  });
}

function refuseSecrets(check: Record<string, unknown>, context: z.RefinementCtx): void {
  for (const [setting, value] of Object.entries(check)) {
    if (typeof value === "string" && holdsSecret(value))
      context.addIssue({ code: "custom", path: [setting], message: "a value without a secret" });
  }
}

function refuseTwins(checks: { name?: string | undefined }[], context: z.RefinementCtx): void {
  const taken = new Set<string>();
  for (const [index, { name }] of checks.entries()) {
    if (name !== undefined && taken.has(name))
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: "a name that no other check of the service has",
      });
    if (name !== undefined) taken.add(name);
  }
}

function refuseRelativePaths(
  service: { host: unknown; fleet?: unknown; repository?: { path: string } | undefined },
  context: z.RefinementCtx,
): void {
  if (
    (service.host !== "local" || service.fleet) &&
    service.repository &&
    !service.repository.path.startsWith("/")
  )
    context.addIssue({
      code: "custom",
      path: ["repository", "path"],
      message: "a path on the service's host that begins with /",
    });
}

function refuseTwoPlaces(service: { host: unknown; fleet?: unknown }, context: z.RefinementCtx): void {
  if (service.fleet && service.host !== "local")
    context.addIssue({ code: "custom", path: ["host"], message: "host or fleet, not both" });
}

function serviceSchema(units: Units, source: SecretSource) {
  const postgresUrl = secretUrl(source, "postgres", "postgresql");
  return settings({
    observe: z.boolean().default(false),
    owner: z.string().optional(),
    contact: z.string().optional(),
    channel: z.string().optional(),
    incidents: z.string().optional(),
    host,
    fleet: fleet.optional(),
    /** the environment that has to run a version, watched and well, before this one may */
    after: name.optional(),
    soak: duration.default(0),
    windows: z.array(window).default([]),
    standing,
    preflight,
    repository: settings({
      path: z.string(),
      remote: z
        .string()
        .regex(/^[A-Za-z0-9][\w./-]*$/, { error: "a remote's name such as origin" })
        .default("origin"),
      tag: z
        .string()
        .regex(/^[\w./-]*\{version\}[\w./-]*$/, {
          error: "a pattern with {version} in it, such as v{version}",
        })
        .default("v{version}"),
      branch: z
        .string()
        .regex(/^[A-Za-z0-9][\w./-]*$/, { error: "a branch's name such as main" })
        .default("main"),
      migrations: z.string().optional(),
      /** what a version looks like, as a regular expression */
      version: z
        .string()
        .refine(isPattern, { error: "a regular expression such as '\\d+\\.\\d+\\.\\d+'" })
        .optional(),
      /** tags must be signed by a key that git trusts, or by one of the signers in this file */
      signed: z.boolean().default(false),
      signers: path.optional(),
    }).optional(),
    database: settings({
      url: postgresUrl,
      admin: postgresUrl.optional(),
      monitor: postgresUrl.optional(),
      appRole: z.string().optional(),
      holdWrites: z.boolean().default(true),
    }).optional(),
    redis: settings({ url: secretUrl(source, "redis", "rediss") }).optional(),
    health: settings({
      url: secretUrl(source, "http", "https"),
      status: z.number().int().default(200),
      json: z
        .record(
          z.string(),
          z.union([z.string(), z.number(), z.boolean()], { error: "a text, a number, true or false" }),
        )
        .optional(),
      body: z.string().optional(),
      version: z.string().optional(),
    }).optional(),
    files: z.array(z.string()).default([]),
    commands: settings({
      install: commandWith().optional(),
      test: commandWith().optional(),
      migrate: commandWith().optional(),
      down: commandWith("version", "count", "back", "migration").optional(),
      dependencies: commandWith().optional(),
      bump: commandWith("version").optional(),
      pin: commandWith("package", "version").optional(),
      restart: commandWith().optional(),
      start: commandWith().optional(),
      stop: commandWith().optional(),
    }).default({}),
    environment: variables(source).default({}),
    commandTimeout: duration.default(600_000),
    checks: z.array(checkSchema(units), { error: "a list of checks" }).superRefine(refuseTwins).optional(),
    runbooks,
  })
    .superRefine(refuseRelativePaths)
    .superRefine(refuseTwoPlaces);
}

const schedule = settings({
  at: z.string().refine(isRule, { error: "a cron rule of 5 or 6 fields such as '0 0 8 * * *'" }),
  zone: zone.optional(),
  channel: z.string().optional(),
}).optional();

export function configSchema(units: Units, source: SecretSource) {
  const service = serviceSchema(units, source);
  return settings({
    slack: settings({ channel: z.string(), incidents: z.string() }),
    roles: settings({
      operator: people.optional(),
      approver: people.optional(),
      admin: people.optional(),
      breakGlass: people.optional(),
    }).default({}),
    zone: zone.default("UTC"),
    freezes: z.array(freeze).default([]),
    plugins: z.array(path).default([]),
    services: z.record(name, service, { error: "a map from a service's name to its settings" }),
    schedules: settings(Object.fromEntries(units.tasks.map((task) => [task, schedule]))).default({}),
    backups: settings({ folder: z.string() }).optional(),
  });
}

export type ConfigFile = z.output<ReturnType<typeof configSchema>>;
export type ServiceFile = ConfigFile["services"][string];

function isRule(rule: string): boolean {
  try {
    return /^\s*(\S+\s+){4,5}\S+\s*$/.test(rule) && cronParser.parseExpression(rule).hasNext();
  } catch {
    return false;
  }
}

function isPattern(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}
