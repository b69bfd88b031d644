/** Modals: the top view of the person's stack, in a native dialog, which keeps the focus inside. */
import { api, explain } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { baseContext } from "./context.js";
import { h, morph } from "./dom.js";
import { icon } from "./icons.js";
import { checkValues, readValues } from "./inputs.js";
import { state } from "./store.js";

/** `refresh()` asks for the person's views and shows the top one; call it whenever they may have changed. */
export function createModal(dialog) {
  /** view id to {form, errors, problem, isBusy, busy}: forms below the top keep what was typed */
  const open = new Map();
  let asked = 0;

  async function refresh() {
    asked += 1;
    const mine = asked;
    const views = await api.views(state.me).catch(() => []);
    if (mine === asked) show(views);
  }

  function show(views) {
    for (const id of open.keys()) if (!views.some((view) => view.id === id)) open.delete(id);
    const top = views.at(-1);
    if (!top) {
      if (dialog.open) dialog.close();
      dialog.replaceChildren();
      return;
    }
    const entry = open.get(top.id) ?? {
      errors: {},
      problem: null,
      isBusy: false,
      busy: new Set(),
      form: null,
    };
    open.set(top.id, entry);
    if (entry.hash !== top.hash) entry.errors = {};
    entry.hash = top.hash;
    draw(top, entry);
  }

  function draw(view, entry) {
    const fresh = renderForm(view, entry);
    const isNew = entry.form === null;
    entry.form = isNew ? fresh : morph(entry.form, fresh);
    if (dialog.firstChild !== entry.form) dialog.replaceChildren(entry.form);
    if (!dialog.open) dialog.showModal();
    else if (isNew) entry.form.querySelector("[autofocus], input, textarea, select")?.focus();
    dialog.oncancel = (event) => {
      event.preventDefault();
      close(view);
    };
  }

  function renderForm(view, entry) {
    const errors = { ...view.errors, ...entry.errors };
    const context = {
      ...baseContext(),
      fieldError: (blockId) => errors[blockId],
      isBusy: (blockId, actionId) => entry.busy.has(`${blockId}/${actionId}`),
      act: (element, blockId, choice) => act(view, entry, element, blockId, choice),
    };
    const onsubmit = (event) => {
      event.preventDefault();
      if (view.submit && !entry.isBusy) submit(view, entry);
    };
    const submitClasses = `btn btn-primary${entry.isBusy ? " is-busy" : ""}`;
    return h(
      "form",
      { class: "modal-form", novalidate: true, onsubmit, "data-view": view.id },
      h(
        "div",
        { class: "dialog-head" },
        h("h2", { id: "modal-title", class: "dialog-title" }, view.title),
        // for the mouse; keyboards have Escape and the button below
        h(
          "button",
          {
            class: "btn-close",
            type: "button",
            tabindex: "-1",
            "aria-hidden": "true",
            onclick: () => close(view),
          },
          icon("close"),
        ),
      ),
      h("div", { class: "dialog-body blocks" }, renderBlocks(view.blocks, context)),
      entry.problem &&
        h(
          "p",
          { class: "fault dialog-fault", role: "alert", "data-key": "problem" },
          icon("cross"),
          entry.problem,
        ),
      h(
        "div",
        { class: "dialog-foot", "data-key": "foot" },
        h(
          "button",
          { class: "btn", type: "button", onclick: () => close(view) },
          view.close ?? (view.submit ? "Cancel" : "Close"),
        ),
        view.submit &&
          h("button", { class: submitClasses, type: "submit", "aria-disabled": entry.isBusy }, view.submit),
      ),
    );
  }

  async function submit(view, entry) {
    const values = readValues(entry.form);
    entry.errors = checkValues(view.blocks, values);
    entry.problem = null;
    if (Object.keys(entry.errors).length > 0) {
      draw({ ...view, errors: {} }, entry);
      entry.form.querySelector("[aria-invalid]")?.focus();
      return;
    }
    entry.isBusy = true;
    draw({ ...view, errors: {} }, entry);
    const result = await api.submitView({ user: state.me, viewId: view.id, values });
    entry.isBusy = false;
    if (!result.ok)
      entry.problem = `It could not be sent: ${explain(result.error)}. What you wrote is still here.`;
    await refresh();
    entry.form.querySelector("[aria-invalid]")?.focus();
  }

  async function act(view, entry, element, blockId, { value, selected }) {
    const key = `${blockId}/${element.action_id}`;
    if (entry.busy.has(key)) return;
    entry.busy.add(key);
    entry.problem = null;
    draw(view, entry);
    const values = readValues(entry.form);
    const body = { user: state.me, viewId: view.id, actionId: element.action_id, value, selected, values };
    const result = await api.clickInView(body);
    entry.busy.delete(key);
    if (!result.ok) entry.problem = `That failed: ${explain(result.error)}.`;
    await refresh();
  }

  async function close(view) {
    await api.closeView({ user: state.me, viewId: view.id });
    await refresh();
  }

  return { refresh };
}
