/** The journal's records. Times are Dates, ids numbers, durations milliseconds. */
import type { ErrorRecord } from "../errors.ts";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Who did something. The domain knows this and never a Slack payload. */
export interface Actor {
  kind: "person" | "system";
  /** a Slack user id, or the name of the part of Steward that acted, such as `schedule` */
  id: string;
  /** the person's team; checked against ours before the actor reaches the domain */
  team?: string;
  /** user groups the person was in when this was asked */
  groups?: string[];
  /** restricted and external accounts: they may look, never act */
  guest?: boolean;
}

export type ReadingState = "ok" | "warning" | "critical" | "unknown";

/** One measurement. `summary` says what was observed against what is allowed: `disk 91 % > 90 % (critical)`. */
export interface Reading {
  service: string;
  check: string;
  type: string;
  component: Component;
  state: ReadingState;
  summary: string;
  value: number | null;
  unit: string;
  at: string;
  durationMs: number;
  evidence?: Record<string, Json>;
}

/** The guide's components. */
export type Component = "application" | "database" | "cache" | "network" | "host";

export type RunState =
  | "planning"
  | "awaiting_approval"
  | "queued"
  | "running"
  | "needs_decision"
  | "undoing"
  | "succeeded"
  | "failed"
  | "undone"
  | "cancelled"
  | "rejected"
  | "expired"
  | "void"
  | "shown";

export const ENDED_STATES: readonly RunState[] = [
  "succeeded",
  "failed",
  "undone",
  "cancelled",
  "rejected",
  "expired",
  "void",
  "shown",
];

/** A step as the plan shows it: what would be done, in the exact commands, and what would undo it. */
export interface PlannedStep {
  name: string;
  title: string;
  commands: string[][];
  undo?: string;
  idempotent: boolean;
  /** the host it acts on, where the service has several */
  lane?: string;
  /** steps of one batch go on side by side, one lane each; batches follow one another */
  batch?: number;
}

/** What a run would do. `subject` and `steps` are hashed; `context` is for the eye and moves all the time. */
export interface Plan {
  runbook: string;
  runbookVersion: number;
  service: string;
  title: string;
  from: string | null;
  to: string | null;
  risk: "low" | "medium" | "high";
  steps: PlannedStep[];
  subject: { [key: string]: Json };
  context: PlanContext;
  /** other ways to do it, for the approver to choose from: choosing one makes a new plan that asks anew */
  alternatives?: { label: string; args: Record<string, string> }[];
}

export interface PlanContext {
  commits: { id: string; subject: string }[];
  migrations: string[];
  backup: string;
  readings: { state: ReadingState; summary: string }[];
  undo: string;
  warnings: string[];
}

export interface Run {
  id: number;
  runbook: string;
  service: string;
  slot: string;
  args: Record<string, string>;
  requestedBy: Actor;
  channel: string;
  intentId: number | null;
  /** the message in whose thread the card stands; null: in the channel itself */
  threadOf: number | null;
  /** `--plan`: show what would be done and ask nobody */
  showOnly: boolean;
  state: RunState;
  plan: Plan | null;
  planHash: string | null;
  approvalsNeeded: number;
  expiresAt: Date | null;
  revision: number;
  /** the fencing token: grows with every claim; who holds an older one may write nothing */
  token: number;
  cancelRequested: Actor | null;
  /** what steps left for later steps: ids and versions, never secrets */
  facts: Record<string, Json>;
  /** while needs_decision: which step, which way, and why */
  decision: { step: string; direction: "do" | "undo"; reason: string; choices: Decision[] } | null;
  error: ErrorRecord | null;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  /** not carried before this time; null: at once */
  notBefore: Date | null;
  /** what `--at` asked for */
  scheduledFor: Date | null;
  /** why it is held back until `notBefore`; `until` null: nobody can say */
  held: { reason: string; until: string | null } | null;
  /** hash of the declaration that approved it beforehand */
  standing: string | null;
  /** who started it without a second person, and why */
  breakGlass: { actor: Actor; reason: string; at: string; planHash: string } | null;
  /** by when a second person should have looked at it */
  reviewDueAt: Date | null;
  reviewed: { actor: Actor; at: string } | null;
  naggedAt: Date | null;
  remindedAt: Date | null;
  /** the run whose end asked for this one */
  follows: number | null;
  /** a stuck run of the service that this one settles first */
  settles: { runId: number; choice: "undo" | "abandon" } | null;
}

export type Decision = "retry" | "skip" | "undo" | "abandon";

export interface Approval {
  id: number;
  runId: number;
  planHash: string;
  actor: Actor;
  decision: "approve" | "reject";
  reason: string | null;
  at: Date;
}

/** A process that an attempt started: `startedAt` is the kernel's start time, so a reused pid is not mistaken for it. */
export interface ProcessRecord {
  host: string;
  pid: number;
  startedAt: string;
}

export interface Attempt {
  id: number;
  runId: number;
  step: string;
  position: number;
  direction: "do" | "undo";
  number: number;
  token: number;
  holder: string;
  startedAt: Date;
  endedAt: Date | null;
  outcome: "done" | "failed" | "interrupted" | "skipped" | null;
  process: ProcessRecord | null;
  output: string;
  error: ErrorRecord | null;
}

export type { Backup, BackupManifest, Release } from "./release-types.ts";

export interface CheckState {
  service: string;
  name: string;
  state: ReadingState;
  since: Date;
  reading: Reading;
  /** the newest raw states, newest last, at most N of K-of-N */
  recent: ReadingState[];
  /** the state after K-of-N: what incidents go by */
  settled: ReadingState;
  settledSince: Date;
  at: Date;
}

export type IncidentState = "open" | "acknowledged" | "resolved";

export interface Incident {
  id: number;
  service: string;
  cause: string;
  severity: string;
  state: IncidentState;
  /** the service is in observe mode: recorded, nobody is paged */
  observed: boolean;
  title: string;
  openedAt: Date;
  /** when the newest occurrence began */
  since: Date;
  occurrences: number;
  acknowledgedBy: Actor | null;
  acknowledgedAt: Date | null;
  resolvedBy: Actor | null;
  resolvedAt: Date | null;
  resolution: string | null;
  revision: number;
}

export interface IncidentMember {
  incidentId: number;
  checkName: string;
  state: ReadingState;
  reading: Reading;
  since: Date;
  updatedAt: Date;
}

export type SubjectKind = "run" | "incident" | "notice";

/** The publisher's row: what is to stand where, and what stands there now. */
export interface MessageRow {
  id: number;
  subjectKind: SubjectKind;
  subjectId: number;
  channel: string;
  part: string;
  threadOf: number | null;
  /** an ephemeral reply to this person alone */
  person: string | null;
  responseUrl: string | null;
  urgent: boolean;
  revision: number;
  shown: number;
  ts: string | null;
  failures: number;
  state: "live" | "failed";
  createdAt: Date;
  postedAt: Date | null;
}

export interface StoryEvent {
  id: number;
  at: Date;
  subjectKind: string;
  subjectId: number;
  kind: string;
  actor: Actor | null;
  data: { [key: string]: Json };
}

/** What is said once: `kind` chooses the presenter, `data` is all it needs. */
export interface Notice {
  id: number;
  kind: string;
  data: { [key: string]: Json };
  createdAt: Date;
}

export interface Intent {
  id: number;
  key: string;
  kind: "command" | "action" | "submission";
  actor: Actor;
  channel: string | null;
  payload: { [key: string]: Json };
  state: "new" | "done" | "failed";
  receivedAt: Date;
}
