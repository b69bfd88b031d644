/** How a run is named and what is said about its state, in one sentence each. */
import type { Approval, Attempt, Run } from "../../journal/types.ts";
import { who } from "./actor.ts";
import type { ButtonFace } from "./blocks.ts";
import { capital, line, safe } from "./text.ts";

/** A run with all that its messages show. */
export interface RunView {
  run: Run;
  approvals: Approval[];
  attempts: Attempt[];
  /** ids of the people and user groups that may approve */
  approvers: { users: string[]; groups: string[] };
  /** whether anybody is named for breaking the glass */
  mayBreakGlass: boolean;
  now: Date;
}

/**
 * `Update shop 1.0.0 → 1.1.0`, not escaped: for headers and, through `line`, for mrkdwn. Where a service has
 * environments, the environment comes first, and production in capitals.
 */
export function runTitle(run: Pick<Run, "runbook" | "service" | "plan" | "args">): string {
  const { runbook, plan, args } = run;
  const [service = "", environment] = run.service.split("@");
  const where = environment ? `${environment === "production" ? "PRODUCTION" : environment} · ` : "";
  const from = plan?.from;
  const to = plan?.to ?? args.version;
  const what = `${where}${capital(runbook)} ${service}`;
  if (from && to) return `${what} ${from} → ${to}`;
  if (to) return `${what} to ${to}`;
  return environment || !plan ? what : plan.title;
}

/** The headline and, where something went wrong, why: for lock screens. */
export function runNotification(view: RunView): string {
  const { run } = view;
  if (run.state === "needs_decision" && run.decision)
    return `${runHeadline(view)}. ${sentence(run.decision.reason)}`;
  return run.error && ["failed", "void", "undone", "rejected"].includes(run.state)
    ? `${runHeadline(view)}. ${sentence(run.error.message)}`
    : runHeadline(view);
}

/** The result or the state in one sentence, escaped. */
export function runHeadline(view: RunView): string {
  const { run } = view;
  const service = line(run.service, 80);
  const title = line(runTitle(run), 160);
  switch (run.state) {
    case "planning":
      return `${title}: working out the plan`;
    case "awaiting_approval":
      return `${title}: approval needed`;
    case "shown":
      return `${title}: what would be done`;
    case "queued":
      return run.held ? `${title}: approved, held back` : `${title}: approved, waiting for its turn`;
    case "running":
      return run.cancelRequested ? `${title}: stopping after this step` : `${title}: running`;
    case "needs_decision":
      return `${title}: stopped, needs a decision`;
    case "undoing":
      return `${title}: ${failure(view)}; being undone`;
    case "succeeded":
      return run.plan?.to ? `${service} runs ${line(run.plan.to, 60)}${onHosts(run)}` : `${title}: done`;
    case "undone":
      return undone(view);
    case "failed":
      return `${title}: failed`;
    case "cancelled":
      return `${title}: cancelled${run.startedAt ? "" : ", nothing was done"}`;
    case "rejected":
      return `${title}: rejected, nothing was done`;
    case "expired":
      return `${title}: nobody approved it in time, nothing was done`;
    case "void":
      return run.plan
        ? `${title}: the plan is void, nothing was done`
        : `${title}: it cannot be planned, nothing was done`;
  }
}

/** ` on 9 of 10 hosts (not on web-7)`, where some of a fleet failed and the roll went on. */
function onHosts({ plan, facts }: Run): string {
  const failed = Array.isArray(facts.failedHosts) ? facts.failedHosts.map(String) : [];
  if (failed.length === 0) return "";
  const all = new Set(plan?.steps.flatMap(({ lane }) => (lane === undefined ? [] : [lane]))).size;
  const names = failed.slice(0, 5).map((name) => line(name, 40));
  return ` on ${all - failed.length} of ${all} hosts (not on ${names.join(", ")}${failed.length > 5 ? ", …" : ""})`;
}

/** What went wrong, whole, with its hint; empty where nothing did. */
export function runError(run: Run): string {
  if (!run.error) return "";
  const hint = run.error.hint ? `\n_${safe(run.error.hint, 500)}_` : "";
  return `${safe(run.error.message, 2_000)}${hint}`;
}

/** How a rejection reads: who and why. */
export function rejection(approvals: Approval[]): string {
  const rejected = approvals.findLast((approval) => approval.decision === "reject");
  if (!rejected) return "";
  return `Rejected by ${who(rejected.actor)}${rejected.reason ? `: ${safe(rejected.reason, 1_000)}` : ""}`;
}

/** A run's button: its value carries the id, the revision and the plan it was drawn for, and nothing else. */
export function runButton(
  run: Run,
  action: string,
  label: string,
  more: Omit<Partial<ButtonFace>, "action" | "label" | "value"> = {},
): ButtonFace {
  return { action: `run_${action}`, label, value: runValue(run), ...more };
}

export function runValue(run: Run): string {
  return `${run.id}.${run.revision}.${(run.planHash ?? "").slice(0, 12).padEnd(12, "0")}`;
}

function undone(view: RunView): string {
  const { run } = view;
  const service = line(run.service, 80);
  const to = run.plan?.to ? ` ${line(run.plan.to, 60)}` : "";
  const from = run.plan?.from;
  const kept = run.facts.dataKept === true ? ", no data lost" : "";
  const now = from ? `: ${service} runs ${line(from, 60)} again${kept}` : kept;
  return `${service}${to} ${failure(view)} and was undone${now}`;
}

/** `failed its verification`, `failed at “Migrate”`, `was cancelled` */
function failure({ run, attempts }: RunView): string {
  const failed = attempts.findLast(
    (attempt) =>
      attempt.direction === "do" && (attempt.outcome === "failed" || attempt.outcome === "interrupted"),
  );
  if (!failed) return run.cancelRequested ? "was cancelled" : "failed";
  if (failed.step === "verify") return "failed its verification";
  const title = run.plan?.steps.find((step) => step.name === failed.step)?.title ?? failed.step;
  return `failed at “${line(title, 80)}”`;
}

function sentence(text: string): string {
  const shown = line(text, 400);
  return /[.!?…]$/.test(shown) ? shown : `${shown}.`;
}
