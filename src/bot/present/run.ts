import type { KnownBlock } from "@slack/types";
import { who } from "./actor.ts";
import {
  type ButtonFace,
  buttons,
  context,
  header,
  message,
  type Presented,
  section,
  sections,
} from "./blocks.ts";
import { board, simpleBoard } from "./board.ts";
import { governance } from "./governance.ts";
import { runMark } from "./marks.ts";
import { planCard } from "./plan-card.ts";
import {
  type RunView,
  rejection,
  runButton,
  runError,
  runHeadline,
  runNotification,
  runTitle,
} from "./run-words.ts";
import { capital, count, duration, line, moment, safe } from "./text.ts";

/**
 * A run's one message in its newest state: the approval card, then the live step board, then the result.
 * Buttons belong to the state, so none stays live after its decision.
 */
export function presentRun(view: RunView): Presented {
  const { run } = view;
  const headline = runHeadline(view);
  const note = runNotification(view);
  const whereElse = `the rest is in Details and in \`/ops run ${run.id}\``;
  // the title stands above: the line below it says the rest
  const title = `${line(runTitle(run), 160)}: `;
  const said = headline.startsWith(title) ? capital(headline.slice(title.length)) : headline;
  const top = [header(runTitle(run)), section(`${runMark[run.state]} *${said}*`)];
  const frame = (middle: KnownBlock[], faces: ButtonFace[]) => [
    ...top,
    ...middle,
    ...buttons(faces),
    footer(view),
  ];
  if (run.state === "awaiting_approval" || run.state === "shown") {
    return message(note, frame(planCard(view), run.plan ? cardButtons(view) : []), whereElse);
  }
  const middle = [...governance(view), ...story(view)];
  const faces = boardButtons(view);
  // of what never began there is no step to be shown
  const begun = run.startedAt !== null || run.endedAt === null;
  return {
    ...message(note, frame([...middle, ...(begun ? board(view) : [])], faces), whereElse),
    simpler: message(note, frame([...middle, ...(begun ? simpleBoard(view) : [])], faces), whereElse).blocks,
  };
}

function cardButtons(view: RunView): ButtonFace[] {
  const { run } = view;
  const details = runButton(run, "details", "Details");
  if (run.state === "shown") return [details];
  return [
    runButton(run, "approve", `Approve ${run.runbook} of ${run.service}`, {
      style: "primary",
      confirm: {
        title: runTitle(run),
        text: `Risk ${run.plan?.risk ?? "unknown"}, ${count(run.plan?.steps.length ?? 0, "step")}. What you approve is exactly this plan. Undo: ${run.plan?.context.undo ?? "none"}`,
        yes: "Approve",
      },
    }),
    ...(run.plan?.alternatives ?? [])
      .slice(0, 5)
      .map(({ label }, index) => runButton(run, `choose_${index}`, label)),
    runButton(run, "reject", "Reject", { style: "danger" }),
    details,
    runButton(run, "cancel", "Withdraw"),
    ...breakButton(view),
  ];
}

/** Only where somebody is named for it; that it is not everybody is said when the form comes back. */
function breakButton({ run, mayBreakGlass }: RunView): ButtonFace[] {
  return mayBreakGlass ? [runButton(run, "break", "Break glass …")] : [];
}

function boardButtons(view: RunView): ButtonFace[] {
  const { run } = view;
  const details = run.plan ? [runButton(run, "details", "Details")] : [];
  const cancel = runButton(run, "cancel", "Cancel", {
    confirm: {
      title: `Cancel: ${runTitle(run)}`,
      text: "The step that runs now is finished first; then what was done is undone.",
      yes: "Cancel the run",
    },
  });
  switch (run.state) {
    case "queued":
      return [runButton(run, "cancel", "Cancel"), ...details, ...(run.held ? breakButton(view) : [])];
    case "running":
      return run.cancelRequested ? details : [cancel, ...details];
    case "needs_decision":
      return [...decisionButtons(run), ...details];
    default:
      return details;
  }
}

function decisionButtons(run: RunView["run"]): ButtonFace[] {
  const faces = {
    retry: runButton(run, "retry", "Retry", { style: "primary" }),
    skip: runButton(run, "skip", "Skip", {
      confirm: {
        title: "Skip this step",
        text: "The run goes on as if the step had been done. Make sure that it has.",
        yes: "Skip it",
      },
    }),
    undo: runButton(run, "undo", "Undo", {
      confirm: {
        title: "Undo the run",
        text: "What was done so far is undone, newest first.",
        yes: "Undo it",
      },
    }),
    abandon: runButton(run, "abandon", "Abandon", {
      style: "danger",
      confirm: {
        title: "Abandon the run",
        text: "Everything stays as it is now, half done. The service is free for other runs.",
        yes: "Abandon it",
      },
    }),
  };
  return (run.decision?.choices ?? []).map((choice) => faces[choice]);
}

/** What is to be said about the state beyond its headline. */
function story({ run, approvals }: RunView): KnownBlock[] {
  const parts: string[] = [];
  if (run.state === "needs_decision" && run.decision) {
    const step = run.plan?.steps.find(({ name }) => name === run.decision?.step)?.title ?? run.decision.step;
    const way = run.decision.direction === "undo" ? "Undoing " : "";
    parts.push(`*${way}${line(step, 100)}*: ${safe(run.decision.reason, 1_500)}`);
  }
  if (run.state === "rejected") parts.push(rejection(approvals));
  if (run.error && !["succeeded", "rejected", "expired"].includes(run.state)) parts.push(runError(run));
  return sections(parts.filter(Boolean).join("\n"));
}

function footer(view: RunView): KnownBlock {
  const { run, approvals, now } = view;
  const approvers = approvals.filter(
    (approval) => approval.decision === "approve" && approval.planHash === run.planHash,
  );
  const end = run.endedAt ?? now;
  const parts = [
    askedBy(view),
    approvers.length ? `approved by ${approvers.map(({ actor }) => who(actor)).join(", ")}` : "",
    run.startedAt
      ? `${run.endedAt ? "took" : "running for"} ${duration(end.getTime() - run.startedAt.getTime())}`
      : "",
    run.endedAt ? `ended ${moment(run.endedAt)}` : "",
    run.planHash ? `plan ${run.planHash.slice(0, 12)}` : "",
  ];
  return context(parts.filter(Boolean).join(" · "));
}

function askedBy({ run }: RunView): string {
  return `run ${run.id} · asked by ${who(run.requestedBy)}`;
}
