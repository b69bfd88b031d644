import type { KnownBlock } from "@slack/types";
import { group, person, who } from "./actor.ts";
import { context, fields, section, sections } from "./blocks.ts";
import { governance } from "./governance.ts";
import { readingMark, worstFirst } from "./marks.ts";
import { type RunView, rejection } from "./run-words.ts";
import { capital, code, count, line, moment, safe } from "./text.ts";

const COMMITS = 5;
const READINGS = 5;
const MIGRATIONS = 5;

/** What approvers look at: what would change, how it is undone, and how the service is now. Details has it all. */
export function planCard(view: RunView): KnownBlock[] {
  const { run } = view;
  if (!run.plan) return [section("There is no plan yet.")];
  const plan = run.plan;
  const { commits, migrations, readings, warnings, backup, undo } = plan.context;
  return [
    ...governance(view),
    ...sections(warnings.map((warning) => `:warning: ${safe(warning, 1_000)}`).join("\n")),
    fields([
      ["Asked by", who(run.requestedBy)],
      ["Risk", capital(plan.risk)],
      ["Backup", safe(backup, 1_000) || "none"],
      ["Approvals", approvalsLine(view)],
    ]),
    section(`*Steps*\n${safe(plan.steps.map((step) => step.title).join(" → "), 2_000) || "none"}`),
    section(`*Undo*\n${safe(undo, 1_500) || "none"}`),
    section(
      `*${count(commits.length, "commit")}*${list(
        commits.map(({ id, subject }) => `${code(id.slice(0, 9), 20)} ${line(subject, 150)}`),
        COMMITS,
      )}`,
    ),
    section(
      `*${count(migrations.length, "migration")}*${list(
        migrations.map((name) => code(name, 150)),
        MIGRATIONS,
      )}`,
    ),
    section(
      `*Now*${
        list(
          worstFirst(readings).map(({ state, summary }) => `${readingMark[state]} ${line(summary, 250)}`),
          READINGS,
        ) || " nothing was measured"
      }`,
    ),
    ...(run.state === "awaiting_approval" && run.expiresAt
      ? [context(`Open until ${moment(run.expiresAt)}. ${mayApprove(view)}`)]
      : []),
  ];
}

function mayApprove({ run, approvers }: RunView): string {
  const people = approvers.users.filter((id) => id !== run.requestedBy.id).map(person);
  const all = [...new Set([...people, ...approvers.groups.map(group)])];
  if (all.length === 0) return "Nobody may approve it: steward.yml names no approver but whoever asked.";
  return `May approve: ${all.slice(0, 20).join(", ")}${all.length > 20 ? ", …" : ""}. Whoever asked cannot.`;
}

/** `1 needed, 0 given`, and by whom */
function approvalsLine({ run, approvals }: RunView): string {
  const given = approvals.filter(
    (approval) => approval.decision === "approve" && approval.planHash === run.planHash,
  );
  const names = given.length ? ` (${given.map(({ actor }) => who(actor)).join(", ")})` : "";
  return run.state === "shown"
    ? "none asked for: only shown"
    : `${run.approvalsNeeded} needed, ${given.length} given${names} ${rejection(approvals)}`.trim();
}

function list(lines: string[], most: number): string {
  if (lines.length === 0) return "";
  const shown = lines.slice(0, most).map((text) => `\n• ${text}`);
  const more = lines.length - most;
  return `${shown.join("")}${more > 0 ? `\n… and ${more} more: see Details` : ""}`;
}
