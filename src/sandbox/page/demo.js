/** The demo service's panel: what it serves now, and buttons to break it on purpose. */
import { api } from "./api.js";
import { h, morph } from "./dom.js";
import { icon } from "./icons.js";

const POLL_MS = 2000;
const POLL_ABSENT_MS = 15_000;

const STATES = {
  healthy: "Healthy",
  unhealthy: "Unhealthy",
  slow: "Slow",
  errors: "Answering errors",
  down: "Stopped",
};

const FAULTS = [
  { mode: "stop", label: "Stop it", state: "down" },
  { mode: "slow", label: "Slow it down", state: "slow" },
  { mode: "errors", label: "Make it fail", state: "errors" },
  { mode: "none", label: "Mend it", state: null },
];

/** Follows the demo service for good. Without one (404) the panel stays away. Returns `{fault(mode)}`. */
export function createDemo(panel) {
  let status = null;
  let pending = null;
  let firstVersion = null;

  function draw() {
    panel.hidden = status === null;
    if (status === null) return;
    firstVersion ??= status.version;
    const fresh = h(
      "div",
      {},
      renderStatus(status, status.version !== firstVersion),
      renderButtons(status, pending, fault),
    );
    if (panel.firstElementChild) morph(panel.firstElementChild, fresh);
    else panel.append(fresh);
  }

  async function poll() {
    try {
      if (!pending) status = await api.demoStatus();
    } catch (error) {
      if (error.status === 404) status = null;
    }
    draw();
    setTimeout(poll, status === null ? POLL_ABSENT_MS : POLL_MS);
  }

  async function fault(mode) {
    if (pending) return;
    pending = mode;
    draw();
    try {
      status = await api.demoFault(mode);
    } catch (error) {
      if (status) status = { ...status, detail: `That did not work: ${error.message}` };
    }
    pending = null;
    draw();
  }

  poll();
  return { fault };
}

function renderStatus(status, isNewVersion) {
  const facts = [
    typeof status.orders === "number" && `${status.orders.toLocaleString()} orders`,
    ...(status.features ?? []),
  ].filter(Boolean);
  return h(
    "div",
    {},
    h("h2", { class: "side-title" }, "Demo service"),
    h(
      "div",
      { class: "demo-head" },
      h("span", { class: "demo-name" }, status.name),
      // a new version is drawn anew, so that its highlight plays
      status.version &&
        h(
          "span",
          { class: `demo-version${isNewVersion ? " is-new" : ""}`, "data-key": status.version },
          status.version,
        ),
      h(
        "a",
        { class: "demo-link", href: status.url, target: "_blank", rel: "noopener" },
        "Open",
        icon("out"),
      ),
    ),
    h(
      "p",
      { class: `demo-state state-${status.state}` },
      h("span", { class: "state-dot", "aria-hidden": "true" }),
      h("span", { "aria-live": "polite" }, STATES[status.state] ?? status.state),
    ),
    facts.length > 0 && h("p", { class: "demo-facts" }, facts.join(" · ")),
    status.detail && status.state !== "healthy" && h("p", { class: "demo-facts" }, status.detail),
  );
}

function renderButtons(status, pending, fault) {
  return h(
    "div",
    { class: "demo-buttons", role: "group", "aria-label": "Break or mend the demo service" },
    FAULTS.map(({ mode, label, state }) => {
      const isOn = state !== null && state === status.state;
      const wantsMending = mode === "none" && status.state !== "healthy";
      const classes = `side-btn${isOn ? " is-on" : ""}${wantsMending ? " is-wanted" : ""}${pending === mode ? " is-busy" : ""}`;
      return h(
        "button",
        { class: classes, type: "button", "aria-disabled": pending !== null, onclick: () => fault(mode) },
        label,
      );
    }),
  );
}
