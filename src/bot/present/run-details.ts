import type { KnownBlock, ModalView } from "@slack/types";
import { context, header, keepWithin, preformatted, section, sections } from "./blocks.ts";
import { readingMark, worstFirst } from "./marks.ts";
import { type RunView, runTitle } from "./run-words.ts";
import { code, count, line, plain, safe } from "./text.ts";

const MODAL_BLOCKS = 100;
/** Slack takes a view of 250,000 characters as JSON; text is the larger part of that. */
const MODAL_TEXT = 60_000;

/** The whole plan: every step with its exact commands and its undo, every commit and migration, the hash. */
export function presentRunDetails(view: RunView): ModalView {
  const { run } = view;
  return {
    type: "modal",
    title: { type: "plain_text", text: `Run ${run.id}` },
    close: { type: "plain_text", text: "Close" },
    blocks: keepWithin(
      detailBlocks(view),
      MODAL_BLOCKS,
      MODAL_TEXT,
      `the whole is in the run's file and in \`/ops run ${run.id}\``,
    ),
  };
}

function detailBlocks({ run }: RunView): KnownBlock[] {
  const plan = run.plan;
  if (!plan) return [header(runTitle(run)), section("There is no plan yet.")];
  const { commits, migrations, readings, warnings, backup, undo } = plan.context;
  return [
    header(runTitle(run)),
    ...sections(warnings.map((warning) => `:warning: ${safe(warning, 2_900)}`).join("\n")),
    ...plan.steps.flatMap((step, index): KnownBlock[] => [
      section(
        `*${index + 1}. ${line(step.title, 300)}*${step.idempotent ? "" : "\nNot safe to repeat: after a crash a person decides."}\nUndo: ${step.undo ? safe(step.undo, 1_500) : "none"}`,
      ),
      ...commandBlocks(step.commands),
    ]),
    ...sections(
      `*${count(commits.length, "commit")}*\n${commits.map(({ id, subject }) => `${code(id, 64)} ${line(subject, 500)}`).join("\n")}`,
    ),
    ...sections(
      `*${count(migrations.length, "migration")}*\n${migrations.map((name) => code(name, 300)).join("\n")}`,
    ),
    ...sections(`*Undo*\n${safe(undo, 5_000) || "none"}`),
    ...sections(`*Backup*\n${safe(backup, 5_000) || "none"}`),
    ...sections(
      `*Readings when planned*\n${worstFirst(readings)
        .map(({ state, summary }) => `${readingMark[state]} ${line(summary, 500)}`)
        .join("\n")}`,
    ),
    ...sections(
      `*What will be done, by which the plan is known*\n${code(JSON.stringify(plan.subject), 20_000)}`,
    ),
    context(
      `${line(plan.runbook, 60)} runbook, version ${plan.runbookVersion} · plan hash ${line(run.planHash ?? "none", 128)}`,
    ),
  ];
}

/** One command a line, arguments quoted where a reader could take them for more than one. */
function commandBlocks(commands: string[][]): KnownBlock[] {
  const text = commands.map((command) => command.map(quoted).join(" ")).join("\n");
  const blocks: KnownBlock[] = [];
  for (let at = 0; at < text.length; at += 2_900)
    blocks.push(preformatted(plain(text.slice(at, at + 2_900), 2_900), 2_900));
  return blocks;
}

export function quoted(argument: string): string {
  return /^[\w@%+=:,./{}-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
