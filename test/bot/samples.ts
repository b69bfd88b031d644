/** Records as the journal holds them, for presenters and the bot. */
import type { RunView } from "../../src/bot/present/run-words.ts";
import type { Attempt, Incident, IncidentMember, Plan, Run } from "../../src/journal/types.ts";

export const NOW = new Date("2026-11-23T12:00:00Z");

export function plan(to = "1.1.0", more: Partial<Plan> = {}): Plan {
  return {
    runbook: "update",
    runbookVersion: 1,
    service: "shop",
    title: "Update shop",
    from: "1.0.0",
    to,
    risk: "medium",
    steps: [
      { name: "backup", title: "Back up", commands: [["pg_dump", "shop"]], idempotent: true },
      {
        name: "checkout",
        title: "Check out",
        commands: [["git", "checkout", `v${to}`]],
        undo: "check out 1.0.0",
        idempotent: true,
      },
      { name: "verify", title: "Verify", commands: [], idempotent: true },
    ],
    subject: { commit: "abc" },
    context: {
      commits: [1, 2, 3, 4, 5, 6, 7].map((n) => ({
        id: `${n}234567890abcdef`,
        subject: `commit number ${n}`,
      })),
      migrations: ["0002_likes.sql"],
      backup: "taken by this run",
      readings: [
        { state: "ok", summary: "http 200 in 0.01 s" },
        { state: "critical", summary: "disk 95 % > 90 % (critical)" },
      ],
      undo: "back to 1.0.0, database included",
      warnings: ["the disk is nearly full"],
    },
    ...more,
  };
}

export function run(more: Partial<Run> = {}): Run {
  return {
    id: 7,
    runbook: "update",
    service: "shop",
    slot: "service",
    args: { version: "1.1.0" },
    requestedBy: { kind: "person", id: "U0OLGA" },
    channel: "C0OPS",
    intentId: 1,
    threadOf: null,
    showOnly: false,
    state: "awaiting_approval",
    plan: plan(),
    planHash: "ab".repeat(32),
    approvalsNeeded: 1,
    expiresAt: new Date(NOW.getTime() + 3_600_000),
    revision: 3,
    token: 1,
    cancelRequested: null,
    facts: {},
    decision: null,
    error: null,
    createdAt: NOW,
    startedAt: null,
    endedAt: null,
    notBefore: null,
    scheduledFor: null,
    held: null,
    standing: null,
    breakGlass: null,
    reviewDueAt: null,
    reviewed: null,
    naggedAt: null,
    remindedAt: null,
    follows: null,
    settles: null,
    ...more,
  };
}

export function attempt(step: string, more: Partial<Attempt> = {}): Attempt {
  return {
    id: 1,
    runId: 7,
    step,
    position: 0,
    direction: "do",
    number: 1,
    token: 1,
    holder: "here",
    startedAt: NOW,
    endedAt: new Date(NOW.getTime() + 1_500),
    outcome: "done",
    process: null,
    output: "",
    error: null,
    ...more,
  };
}

export function runView(more: Partial<Run> = {}, rest: Partial<RunView> = {}): RunView {
  return {
    run: run(more),
    approvals: [],
    attempts: [],
    approvers: { users: ["U0OLGA", "U0AMIR"], groups: ["S0APPROVERS"] },
    mayBreakGlass: false,
    now: NOW,
    ...rest,
  };
}

export function incident(more: Partial<Incident> = {}): Incident {
  return {
    id: 4,
    service: "shop",
    cause: "application",
    severity: "critical",
    state: "open",
    observed: false,
    title: "shop does not answer",
    openedAt: NOW,
    since: NOW,
    occurrences: 1,
    acknowledgedBy: null,
    acknowledgedAt: null,
    resolvedBy: null,
    resolvedAt: null,
    resolution: null,
    revision: 2,
    ...more,
  };
}

export function member(
  summary = "http 503, expected 200 (critical)",
  more: Partial<IncidentMember> = {},
): IncidentMember {
  return {
    incidentId: 4,
    checkName: "http",
    state: "critical",
    reading: {
      service: "shop",
      check: "http",
      type: "http",
      component: "application",
      state: "critical",
      summary,
      value: 503,
      unit: "",
      at: NOW.toISOString(),
      durationMs: 5,
    },
    since: NOW,
    updatedAt: NOW,
    ...more,
  };
}

/** Everything that was ever tried on a chat bot, in one string. */
export const HOSTILE = `<!channel> <!here|x> <@U0AMIR> <https://evil.example|https://good.example> *b* \`code\` \`\`\`fence\`\`\` & "quote" ; rm -rf / $(touch x) --upload-pack=x ../.. \u202Egnp.exe \u0000 \uD83D`;
