import type { KnownBlock, ModalView } from "@slack/types";
import { describe, expect, it } from "vitest";
import type { Presented } from "../../../src/bot/present/blocks.ts";
import { boardLines } from "../../../src/bot/present/board.ts";
import { breakForm, rejectForm, resolveForm } from "../../../src/bot/present/forms.ts";
import { presentIncident } from "../../../src/bot/present/incident.ts";
import { presentNotice } from "../../../src/bot/present/notice.ts";
import { presentRun } from "../../../src/bot/present/run.ts";
import { presentRunDetails } from "../../../src/bot/present/run-details.ts";
import { presentTimeline } from "../../../src/bot/present/timeline.ts";
import type { Json, Run, RunState } from "../../../src/journal/types.ts";
import { takeMessageBlocks, takeView } from "../../../src/sandbox/slack/blocks/check.ts";
import { attempt, HOSTILE, incident, member, NOW, plan, runView } from "../samples.ts";

const LONG = `${HOSTILE} ${"x".repeat(10_000)}\n${"y & <z> ".repeat(1_300)}`;
const STATES: RunState[] = [
  "planning",
  "awaiting_approval",
  "queued",
  "running",
  "needs_decision",
  "undoing",
  "succeeded",
  "failed",
  "undone",
  "cancelled",
  "rejected",
  "expired",
  "void",
  "shown",
];

/** Slack's own rules, as the stand-in has them; and nothing in it can mention or link what we did not mean. */
function accepted({ text, blocks, simpler }: Presented): string {
  takeMessageBlocks(blocks);
  if (simpler) takeMessageBlocks(simpler);
  expect(text.length).toBeGreaterThan(0);
  expect(text.length).toBeLessThanOrEqual(4_000);
  expect(JSON.stringify(blocks).length).toBeLessThan(40_000);
  for (const form of [blocks, simpler ?? []]) harmless(text, form);
  return `${text}\n${JSON.stringify(blocks)}`;
}

function harmless(text: string, blocks: KnownBlock[]): void {
  for (const mrkdwn of [text, ...mrkdwnOf(blocks)]) {
    expect(
      mrkdwn.replace(
        /<@U0(OLGA|BOSS)>|<@U0AMIR>(?=[,.]| has it|: | \d| <!date| to|$)|<!subteam\^S0APPROVERS>|<!date\^\d+\^[^<>]*\|[^<>]*>/g,
        "",
      ),
    ).not.toMatch(/[<>]/);
    expect(mrkdwn.isWellFormed()).toBe(true);
  }
}

function mrkdwnOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(mrkdwnOf);
  if (typeof value !== "object" || value === null) return [];
  const own = "type" in value && value.type === "mrkdwn" && "text" in value ? [String(value.text)] : [];
  return [...own, ...Object.values(value).flatMap(mrkdwnOf)];
}

const view = (more: Parameters<typeof runView>[0], rest: Parameters<typeof runView>[1] = {}) =>
  presentRun(runView(more, rest));

describe("a run", () => {
  it("fits Slack in every state, with any text", () => {
    const hostile = plan(LONG, {
      service: LONG,
      title: LONG,
      from: LONG,
      steps: Array.from({ length: 80 }, (_, n) => ({
        name: `s${n}${LONG}`,
        title: LONG,
        commands: [[LONG, LONG]],
        undo: LONG,
        idempotent: false,
      })),
      context: {
        commits: Array.from({ length: 300 }, () => ({ id: LONG, subject: LONG })),
        migrations: Array.from({ length: 300 }, () => LONG),
        backup: LONG,
        readings: Array.from({ length: 100 }, () => ({ state: "critical" as const, summary: LONG })),
        undo: LONG,
        warnings: Array.from({ length: 30 }, () => LONG),
      },
    });
    const attempts = hostile.steps.map((step, n) =>
      attempt(step.name, {
        outcome: n % 2 ? "failed" : "done",
        output: LONG,
        error: { code: "x", message: LONG },
      }),
    );
    for (const state of STATES) {
      const more = {
        state,
        plan: hostile,
        service: LONG,
        error: { code: "x", message: LONG, hint: LONG },
        decision: {
          step: LONG,
          direction: "do" as const,
          reason: LONG,
          choices: ["retry", "skip", "undo", "abandon"] as never,
        },
      };
      const approvals = [
        {
          id: 1,
          runId: 7,
          planHash: "ab".repeat(32),
          actor: { kind: "person" as const, id: LONG },
          decision: "reject" as const,
          reason: LONG,
          at: new Date(),
        },
      ];
      accepted(view(more, { attempts, approvals }));
      accepted(view({ ...more, plan: null, planHash: null }, { attempts, approvals }));
      takeView(presentRunDetails(runView(more)));
    }
  });

  it("asks for approval with all that an approver needs", () => {
    const shown = accepted(view({}));
    for (const part of [
      "shop 1.0.0 → 1.1.0: approval needed",
      "Medium",
      "*7 commits*",
      "and 2 more: see Details",
      "commit number 5",
      "0002_likes.sql",
      "taken by this run",
      "back to 1.0.0, database included",
      "the disk is nearly full",
      "1 needed, 0 given",
      "plan abababababab",
      "May approve: <@U0AMIR>, <!subteam^S0APPROVERS>",
      "7.3.abababababab",
    ]) {
      expect(shown).toContain(part);
    }
    expect(shown).not.toContain("commit number 6");
    expect(shown.indexOf("disk 95 %")).toBeLessThan(shown.indexOf("http 200"));
  });

  it("shows each step's state, and the end of a failed one's output", () => {
    const attempts = [
      attempt("backup"),
      attempt("checkout", {
        outcome: "failed",
        output: "line 1\nfatal: no such tag\n",
        error: { code: "command_failed", message: "git checkout ended with 1" },
      }),
    ];
    const { blocks } = view({ state: "undoing" }, { attempts });
    const board = blocks.find((block) => block.type === "plan")!;
    expect(board.tasks!.map((task) => [task.title, task.status])).toEqual([
      ["Back up · 1.5 s", "complete"],
      ["Check out · failed · 1.5 s", "error"],
      ["Verify", "pending"],
    ]);
    expect(JSON.stringify(board)).toContain("fatal: no such tag");
  });

  it("says the result in one sentence, service first", () => {
    expect(view({ state: "succeeded" }).text).toBe("shop runs 1.1.0");
    const undone = {
      state: "undone" as const,
      error: { code: "verify_failed", message: "status 500, expected 200" },
      facts: { dataKept: true },
    };
    expect(view(undone, { attempts: [attempt("verify", { outcome: "failed" })] }).text).toBe(
      "shop 1.1.0 failed its verification and was undone: shop runs 1.0.0 again, no data lost. status 500, expected 200.",
    );
    expect(
      view({ state: "undone" }, { attempts: [attempt("checkout", { outcome: "failed" })] }).text,
    ).toContain("failed at “Check out” and was undone");
  });

  it("has buttons only where they mean something", () => {
    const ids = (state: RunState, more = {}) =>
      view({ state, ...more }).blocks.flatMap((block) =>
        block.type === "actions"
          ? block.elements.map((element) => (element as { action_id: string }).action_id)
          : [],
      );
    expect(
      ids("needs_decision", {
        decision: { step: "x", direction: "do", reason: "r", choices: ["retry", "undo"] },
      }),
    ).toEqual(["run_retry", "run_undo", "run_details"]);
    expect(ids("running")).toEqual(["run_cancel", "run_details"]);
    expect(ids("running", { cancelRequested: { kind: "person", id: "U0OLGA" } })).toEqual(["run_details"]);
    for (const state of [
      "succeeded",
      "failed",
      "undone",
      "cancelled",
      "rejected",
      "expired",
      "void",
    ] as const)
      expect(ids(state)).toEqual(["run_details"]);
  });
});

describe("the details of a plan", () => {
  it("hold every command, quoted so that arguments stay apart, and every commit", () => {
    const steps = [
      { name: "a", title: "A", commands: [["echo", "two words", "it's", "$(x)"]], idempotent: true },
    ];
    const modal = takeView(presentRunDetails(runView({ plan: plan("1.1.0", { steps }) })));
    const shown = JSON.stringify(modal.blocks);
    expect(shown).toContain(JSON.stringify("echo 'two words' 'it'\\''s' '$(x)'").slice(1, -1));
    for (let n = 1; n <= 7; n += 1) expect(shown).toContain(`commit number ${n}`);
  });

  it("say what is left out, where it is too much for Slack", () => {
    const commits = Array.from({ length: 3_000 }, (_, n) => ({
      id: "abcdef",
      subject: `commit ${n} ${"x".repeat(100)}`,
    }));
    const base = plan();
    const modal: ModalView = presentRunDetails(
      runView({ plan: { ...base, context: { ...base.context, commits } } }),
    );
    takeView(modal);
    expect(JSON.stringify(modal.blocks)).toMatch(/… and \d+ more parts: the whole is in .*ops run 7/);
  });
});

describe("an incident", () => {
  it("fits Slack in every state, with any text", () => {
    for (const state of ["open", "acknowledged", "resolved"] as const) {
      const hostile = incident({
        state,
        title: LONG,
        service: LONG,
        cause: LONG,
        severity: LONG,
        resolution: LONG,
        acknowledgedBy: { kind: "person", id: LONG },
        resolvedBy: { kind: "system", id: LONG },
      });
      const members = Array.from({ length: 40 }, () => member(LONG, { checkName: LONG }));
      accepted(
        presentIncident({
          incident: hostile,
          members,
          recommended: { runbook: LONG, args: {} },
          now: new Date(),
        }),
      );
      const events = Array.from({ length: 500 }, (_, id) => ({
        id,
        at: new Date(),
        subjectKind: "incident",
        subjectId: 4,
        kind: LONG,
        actor: { kind: "person" as const, id: LONG },
        data: { a: LONG },
      }));
      const timeline = presentTimeline(hostile, members, events);
      takeView(timeline);
      harmless("", timeline.blocks as KnownBlock[]);
    }
  });

  it("says what is broken, since when, as observed, and who has it", () => {
    const open = accepted(
      presentIncident({
        incident: incident({ occurrences: 3 }),
        members: [member()],
        recommended: null,
        now: new Date(),
      }),
    );
    for (const part of [
      "shop: does not answer",
      "Nobody has it yet",
      "http 503, expected 200 (critical)",
      "3 times in a row",
    ])
      expect(open).toContain(part);
    const observed = presentIncident({
      incident: incident({ observed: true }),
      members: [],
      recommended: null,
      now: new Date(),
    });
    expect(observed.blocks.some((block) => block.type === "actions")).toBe(false);
  });
});

describe("who governs a run", () => {
  const shown = (more: Partial<Run>) => accepted(presentRun(runView(more)));

  it("says the environment first, production in capitals, and names all of it on the button", () => {
    const text = shown({ service: "shop@production" });
    expect(text).toMatch(/^PRODUCTION · Update shop 1.0.0 → 1.1.0/);
    expect(text).toContain("Approve update of shop@production");
    expect(shown({ service: "shop@staging" })).toMatch(/^staging · Update shop/);
  });

  it("says why and until when it is held back, while it is", () => {
    const held = { reason: "freeze “year end”", until: "2027-01-02T23:00:00.000Z" };
    expect(shown({ held })).toMatch(/Held back until <!date.*freeze “year end”/);
    expect(shown({ held, state: "queued" })).toContain("approved, held back");
    expect(shown({ held, state: "succeeded" })).not.toContain("Held back");
  });

  it("shows broken glass for ever, and what was approved beforehand", () => {
    const breakGlass = {
      actor: { kind: "person", id: "U0OLGA" },
      reason: "it burns",
      at: NOW.toISOString(),
      planHash: "",
    } as const;
    expect(shown({ breakGlass, reviewDueAt: NOW, state: "succeeded" })).toMatch(
      /Glass broken\* by <@U0OLGA>.*it burns · review due/,
    );
    const reviewed = { actor: { kind: "person", id: "U0AMIR" }, at: NOW.toISOString() } as const;
    expect(shown({ breakGlass, reviewed, state: "succeeded" })).toContain("reviewed by <@U0AMIR>");
    expect(shown({ standing: "ab".repeat(32), facts: { standing: { used: 2, hourly: 3 } } })).toContain(
      "Approved beforehand by the declaration of shop (2 of 3 this hour, ababab",
    );
  });

  it("offers to break the glass only where somebody may", () => {
    expect(accepted(presentRun(runView({}, { mayBreakGlass: true })))).toContain("run_break");
    expect(accepted(presentRun(runView()))).not.toContain("run_break");
    accepted({
      text: "form",
      blocks: takeView(breakForm("{}", { id: 7, title: LONG })).blocks as KnownBlock[],
    });
  });

  it("gives a fleet one row a host", () => {
    const hosts = Array.from({ length: 10 }, (_, index) => `web-${index + 1}`);
    const steps = hosts.flatMap((lane, batch) =>
      ["checkout", "restart"].map((name) => ({
        name: `${name}:${lane}`,
        title: `${name} on ${lane}`,
        commands: [],
        idempotent: true,
        lane,
        batch,
      })),
    );
    const view = runView(
      { state: "running", plan: plan("1.1.0", { steps }), facts: { failedHosts: ["web-2"] } },
      {
        attempts: [
          attempt("checkout:web-1"),
          attempt("restart:web-1"),
          attempt("checkout:web-2", { outcome: "failed", output: "disk full" }),
          attempt("checkout:web-3", { outcome: null, endedAt: null }),
        ],
      },
    );
    expect(boardLines(view).map(({ title, status, word }) => [title, status, word])).toEqual([
      ["web-1", "complete", ""],
      ["web-2", "error", "checkout failed"],
      ["web-3", "in_progress", "checkout"],
      ...hosts.slice(3).map((host) => [host, "pending", ""]),
    ]);
    accepted(presentRun(view));
    const done = {
      state: "succeeded" as const,
      plan: plan("1.1.0", { steps }),
      facts: { failedHosts: ["web-2"] },
    };
    expect(accepted(presentRun(runView(done)))).toContain("on 9 of 10 hosts (not on web-2)");
  });
});

describe("notices", () => {
  const readings = [
    { check: LONG, type: "http", component: LONG, state: "critical", summary: LONG, value: 1, unit: "" },
  ];
  const cases: Record<string, { [key: string]: Json }> = {
    error: { code: "x", message: LONG, hint: LONG, asked: LONG },
    note: { mark: "bad", text: LONG, actor: "U0OLGA" },
    help: {
      commands: Array.from({ length: 60 }, () => ({ usage: LONG, help: LONG, acts: false })),
      runbooks: [{ usage: LONG, help: LONG }],
      services: [LONG],
    },
    status: {
      services: Array.from({ length: 200 }, () => ({
        id: LONG,
        observe: true,
        state: "critical",
        checks: 0,
        version: LONG,
        incidents: [1, 2],
        run: { id: 1, title: LONG, state: "running" },
      })),
      next: { task: LONG, at: "2026-11-23T12:00:00Z" },
    },
    runs: {
      runs: Array.from({ length: 10 }, () => ({
        id: 1,
        title: LONG,
        state: "running",
        requestedBy: LONG,
        createdAt: "2026-11-23T12:00:00Z",
      })),
    },
    incidents: {
      incidents: Array.from({ length: 15 }, () => ({
        id: 1,
        service: LONG,
        title: LONG,
        state: "open",
        openedAt: "2026-11-23T12:00:00Z",
        occurrences: 4,
        acknowledgedBy: LONG,
      })),
    },
    health: {
      at: "2026-11-23T12:00:00Z",
      service: null,
      scheduled: true,
      requestedBy: null,
      services: Array.from({ length: 100 }, () => ({
        id: LONG,
        observe: false,
        state: "critical",
        readings,
      })),
      openIncidents: Array.from({ length: 50 }, () => ({ id: 1, service: LONG, title: LONG, state: "open" })),
      wouldHavePaged: Array.from({ length: 50 }, () => ({ service: LONG, title: LONG, occurrences: 3 })),
    },
    run: {
      id: 1,
      title: LONG,
      headline: LONG,
      mark: ":x:",
      requestedBy: LONG,
      createdAt: "2026-11-23T12:00:00Z",
      plan: { steps: 3, hash: "ab", risk: LONG },
      approvals: [{ person: LONG, decision: "reject", reason: LONG, at: "2026-11-23T12:00:00Z" }],
      attempts: Array.from({ length: 80 }, () => ({
        title: LONG,
        direction: "do",
        number: 2,
        outcome: LONG,
        tookMs: 5,
        error: LONG,
        output: LONG,
      })),
      events: Array.from({ length: 40 }, () => ({
        kind: "held",
        at: "2026-11-23T12:00:00Z",
        actor: { kind: "person", id: LONG },
        data: { reason: LONG, until: LONG, differences: [LONG, LONG] },
      })),
      error: { message: LONG, hint: LONG },
    },
    "approval-reminder": {
      runId: 1,
      title: LONG,
      expiresAt: "2026-11-23T12:00:00Z",
      approvers: { users: Array.from({ length: 50 }, () => LONG), groups: [LONG] },
    },
    "review-wanted": { runId: 1, title: LONG, by: LONG, reason: LONG, dueAt: "2026-11-23T12:00:00Z" },
    "review-overdue": { runId: 1, title: LONG, by: LONG, reason: LONG, dueAt: "2026-11-23T12:00:00Z" },
    "kind of tomorrow": { text: LONG },
  };

  it.each(Object.entries(cases))("%s fits Slack with any text", (kind, data) => {
    accepted(presentNotice({ kind, data }));
  });

  it("a green health report is one short message, worst first otherwise", () => {
    const service = (id: string, state: string) => ({
      id,
      observe: false,
      state,
      readings: [
        {
          check: "http",
          type: "http",
          component: "application",
          state,
          summary: `${id} 200`,
          value: 1,
          unit: "",
        },
      ],
    });
    const report = (services: Json[]) =>
      presentNotice({
        kind: "health",
        data: {
          at: "2026-11-23T12:00:00Z",
          service: null,
          scheduled: false,
          requestedBy: "U0OLGA",
          services,
          openIncidents: [],
          wouldHavePaged: [],
        },
      });
    const green = report([service("shop", "ok"), service("blog", "ok")]);
    expect(green.text).toBe("All 2 services are healthy");
    expect(green.blocks).toHaveLength(3);
    const red = report([service("shop", "ok"), service("blog", "critical"), service("mail", "warning")]);
    expect(red.text).toBe("blog: critical; mail: warning");
    const shown = JSON.stringify(red.blocks);
    expect(shown.indexOf("*blog*")).toBeLessThan(shown.indexOf("*mail*"));
    expect(shown.indexOf("*mail*")).toBeLessThan(shown.indexOf("*shop*"));
  });
});

it("forms fit Slack with any text", () => {
  takeView(rejectForm("{}", { id: 999_999_999, title: LONG }));
  takeView(resolveForm("{}", { id: 999_999_999, title: LONG }));
});
