import { z } from "zod";
import { command, duration, name, plainUrl, type SecretSource, secretOr } from "./values.ts";

/** What main passes in: the parameters of each check type and each scheduled task, by name. */
export interface Units {
  checks: Record<string, z.ZodObject>;
  tasks: readonly string[];
}

const people = z.strictObject({
  users: z
    .array(z.string().regex(/^[UW][A-Z0-9]+$/, { error: "a Slack user id such as U024BE7LH" }))
    .default([]),
  groups: z
    .array(z.string().regex(/^S[A-Z0-9]+$/, { error: "a Slack user group id such as S0614TZR7" }))
    .default([]),
});

/** `2 of 3`: as many bad readings out of as many make it critical. */
const someOf = z.string().transform((text, context) => {
  const match = /^(\d+) of (\d+)$/.exec(text.trim());
  const k = Number(match?.[1]);
  const n = Number(match?.[2]);
  if (!match || k < 1 || k > n || n > 20) {
    context.addIssue({ code: "custom", message: "a rule such as '2 of 3', the second number at most 20" });
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
    params.extend({ type: z.literal(type), ...common }).strict(),
  );
  const [first, ...rest] = options;
  if (!first) return z.strictObject({ type: z.never(), ...common });
  return z.discriminatedUnion("type", [first, ...rest], { error: Object.keys(units.checks).join(", ") });
}

const host = z.union(
  [
    z.literal("local"),
    z.strictObject({
      ssh: z.string(),
      port: z.number().int().optional(),
      user: z.string().optional(),
      identity: z.string().optional(),
      knownHosts: z.string().optional(),
    }),
  ],
  {
    error: "local, or {ssh: HOST, user: NAME, port: 22, identity: PATH, knownHosts: PATH}",
  },
);

const runbookRules = z.strictObject({
  approvals: z.number().int().min(1).max(5).default(1),
  expires: duration.default(3_600_000),
  /** how often a good reading is wanted after a change, and how long to wait for them */
  good: z.number().int().min(1).max(60).default(3),
  goodEvery: duration.default(2_000),
  goodWithin: duration.default(120_000),
});

function serviceSchema(units: Units, source: SecretSource) {
  const postgresUrl = secretOr(plainUrl("postgres", "postgresql"), source);
  return z.strictObject({
    observe: z.boolean().default(false),
    owner: z.string().optional(),
    contact: z.string().optional(),
    channel: z.string().optional(),
    incidents: z.string().optional(),
    host: host.default("local"),
    repository: z
      .strictObject({
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
        migrations: z.string().optional(),
      })
      .optional(),
    database: z
      .strictObject({
        url: postgresUrl,
        admin: postgresUrl.optional(),
        appRole: z.string().optional(),
        holdWrites: z.boolean().default(true),
      })
      .optional(),
    redis: z.strictObject({ url: secretOr(plainUrl("redis", "rediss"), source) }).optional(),
    health: z
      .strictObject({
        url: z.url({ error: "a URL such as http://localhost:8000/health" }),
        status: z.number().int().default(200),
        json: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
        body: z.string().optional(),
        version: z.string().optional(),
      })
      .optional(),
    files: z.array(z.string()).default([]),
    commands: z
      .strictObject({
        install: command.optional(),
        test: command.optional(),
        migrate: command.optional(),
        restart: command.optional(),
        start: command.optional(),
        stop: command.optional(),
      })
      .default({}),
    environment: z.record(z.string(), secretOr(z.string(), source)).default({}),
    commandTimeout: duration.default(600_000),
    checks: z.array(checkSchema(units)).optional(),
    runbooks: z
      .strictObject({ update: runbookRules.optional(), rollback: runbookRules.optional() })
      .default({}),
  });
}

export function configSchema(units: Units, source: SecretSource) {
  const service = serviceSchema(units, source);
  return z.strictObject({
    slack: z.strictObject({ channel: z.string(), incidents: z.string() }),
    roles: z
      .strictObject({ operator: people.optional(), approver: people.optional(), admin: people.optional() })
      .default({}),
    services: z.record(name, service),
    schedules: z
      .record(
        z.enum(units.tasks as [string, ...string[]]),
        z
          .strictObject({
            at: z
              .string()
              .regex(/^(\S+\s+){4,5}\S+$/, { error: "a cron rule of 5 or 6 fields such as '0 0 8 * * *'" }),
            zone: z
              .string()
              .refine(isZone, { error: "a time zone such as Europe/Berlin or UTC" })
              .default("UTC"),
            channel: z.string().optional(),
          })
          .optional(),
      )
      .default({}),
    backups: z.strictObject({ folder: z.string() }).optional(),
  });
}

export type ConfigFile = z.output<ReturnType<typeof configSchema>>;
export type ServiceFile = ConfigFile["services"][string];

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
