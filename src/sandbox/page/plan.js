/** plan and task_card: work in progress, step by step. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { renderLink } from "./inline.js";
import { renderRichText } from "./richtext.js";

export function renderPlan(block, ctx) {
  const tasks = block.tasks ?? [];
  const count = (status) => tasks.filter((task) => task.status === status).length;
  const done = count("complete");
  const failed = count("error") > 0;
  const summary = failed
    ? `${done} of ${tasks.length} done, ${count("error")} failed`
    : `${done} of ${tasks.length} done`;
  return h(
    "section",
    { class: `plan${failed ? " plan-failed" : ""}`, "aria-label": block.title },
    h(
      "div",
      { class: "plan-head" },
      h("span", { class: "plan-title" }, block.title),
      tasks.length > 0 && h("span", { class: "plan-count" }, summary),
    ),
    tasks.length > 0 &&
      h("progress", { class: "plan-bar", max: tasks.length, value: done, "aria-hidden": "true" }),
    h(
      "ol",
      { class: "tasks" },
      tasks.map((task) => renderTaskCard(task, ctx)),
    ),
  );
}

export function renderTaskCard(task, ctx) {
  const look = LOOKS[task.status] ?? LOOKS.pending;
  const failed = task.status === "error";
  return h(
    "li",
    // a task that fails is drawn anew, so that its output opens by itself
    { class: `task task-${task.status}`, "data-key": `${task.task_id}${failed ? "/error" : ""}` },
    h(
      "span",
      { class: "task-mark", role: "img", "aria-label": look.label, title: look.label },
      look.icon && icon(look.icon),
    ),
    h(
      "div",
      { class: "task-body" },
      h("div", { class: "task-title" }, task.title),
      task.details && h("div", { class: "task-details" }, renderRichText(task.details, ctx)),
      task.output &&
        h(
          "details",
          { class: "task-output", open: failed },
          h("summary", {}, "Output"),
          renderRichText(task.output, ctx),
        ),
      task.sources?.length > 0 &&
        h(
          "div",
          { class: "task-sources" },
          task.sources.map((source) => renderLink(source.url, source.text)),
        ),
    ),
  );
}

const LOOKS = {
  pending: { label: "Pending", icon: null },
  in_progress: { label: "In progress", icon: null },
  complete: { label: "Complete", icon: "check" },
  error: { label: "Failed", icon: "cross" },
};
