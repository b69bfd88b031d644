/** How a service's runs are governed: who has to agree, when they may start, on which hosts in which order. */
import { z } from "zod";
import { bytes, clockTime, date, duration, name, path, settings } from "./values.ts";

export const people = settings({
  users: z
    .array(z.string().regex(/^[UW][A-Z0-9]+$/, { error: "a Slack user id such as U024BE7LH" }))
    .default([]),
  groups: z
    .array(z.string().regex(/^S[A-Z0-9]+$/, { error: "a Slack user group id such as S0614TZR7" }))
    .default([]),
});

const rules = {
  approvals: z.number().int().min(1).max(5).optional(),
  expires: duration.optional(),
  /** how often a good reading is wanted after a change, and how long to wait for them */
  good: z.number().int().min(1).max(60).optional(),
  goodEvery: duration.optional(),
  goodWithin: duration.optional(),
};
const plainRules = settings(rules);
const releasingRules = settings({
  ...rules,
  /** how long a new release is watched, and what a critical check does meanwhile */
  watch: duration.optional(),
  onCritical: z.enum(["ask", "undo"]).optional(),
});

/** Rules of each runbook. What is not declared is as `update` has it, and there the default. */
export const runbooks = settings({
  update: releasingRules.optional(),
  hotfix: releasingRules.optional(),
  rollback: plainRules.optional(),
  restart: plainRules.optional(),
  release: plainRules.optional(),
}).default({});

/** What may run without a second person: bound to this declaration, limited an hour. */
const standingRule = settings({
  hourly: z.number().int().min(1).max(20).default(2),
  by: people.optional(),
});
export const standing = settings({
  restart: standingRule.optional(),
  rollback: standingRule.optional(),
}).default({});

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** A time of the week; one that ends before it begins goes on into the next day. */
export const window = settings({
  days: z
    .array(z.enum(DAYS))
    .min(1, { error: "at least one day" })
    .default([...DAYS]),
  from: clockTime,
  to: clockTime,
}).refine(({ from, to }) => from !== to, { error: "a window whose from and to differ" });

/** From the first to the last day, both included. */
export const freeze = settings({
  from: date,
  to: date,
  reason: z.string().min(1, { error: "why, in a few words" }),
  services: z.array(name).optional(),
}).refine(({ from, to }) => from <= to, { error: "a freeze whose from is not after its to" });

/** What has to hold before an update begins. */
export const preflight = settings({
  /** free space where the checkout lies, in bytes */
  disk: bytes.default(500_000_000),
  /** how old the newest proof may be that a backup can be restored */
  proof: duration.optional(),
}).default({ disk: 500_000_000 });

export const HOST = "local, or a map with ssh, user, port, identity, knownHosts";
const ADDRESS =
  "a host's name or address such as shop-1.example.com; its user and port have settings of their own";
const ssh = {
  ssh: z.string({ error: ADDRESS }).regex(/^[A-Za-z0-9_:][\w.:%-]*$/, { error: ADDRESS }),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][\w.@\\-]*\$?$/, { error: "a user's name such as deploy" })
    .optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  identity: path.optional(),
  knownHosts: path.optional(),
};

/** Where a service runs: on Steward's own machine, or on one that is reached over SSH. */
export const host = z
  .preprocess(
    (given) => (given === "local" ? undefined : given),
    z
      .strictObject(ssh, {
        error: (issue) =>
          issue.code === "unrecognized_keys" ? "ssh, user, port, identity, knownHosts" : HOST,
      })
      .optional(),
  )
  .transform((declared) => declared ?? ("local" as const))
  .default("local");

/** Several hosts that serve one service: groups go one after the other, in the order they are written. */
export const fleet = settings({
  strategy: z.enum(["canary", "rolling", "all"]).default("rolling"),
  /** hosts at a time, after the canary */
  batch: z.number().int().min(1).max(100).default(1),
  /** hosts that may fail before the roll is stopped; a failed one goes back by itself */
  maxFailures: z.number().int().min(0).max(100).default(0),
  /** what goes back when the roll is stopped: every host, or the failed ones alone */
  undo: z.enum(["all", "failed"]).default("all"),
  groups: z
    .record(
      name,
      z.array(settings({ name: name.optional(), ...ssh })).min(1, { error: "at least one host" }),
      {
        error: "a map from a group's name to its hosts",
      },
    )
    .refine((groups) => Object.keys(groups).length > 0, { error: "at least one group of hosts" })
    .refine(namesDiffer, { error: "for each host a name that no other host of the fleet has" }),
});

function namesDiffer(groups: Record<string, { name?: string | undefined; ssh: string }[]>): boolean {
  const names = Object.values(groups).flatMap((hosts) => hosts.map(({ name, ssh }) => name ?? ssh));
  return new Set(names).size === names.length;
}
