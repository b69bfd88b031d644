/** The beginning of each channel; in the first one, three things for a newcomer to try. */
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** `actions`: {run(command), breakShop()}. `isGuide`: with the suggestions. */
export function renderWelcome(channel, isGuide, actions) {
  return h(
    "section",
    { class: "welcome", "aria-label": `The beginning of #${channel.name}` },
    h("span", { class: "welcome-mark", "aria-hidden": "true" }, isGuide ? icon("bell") : "#"),
    h("h2", {}, isGuide ? "Meet Steward, your teammate on duty" : `This is #${channel.name}`),
    h(
      "p",
      { class: "welcome-text" },
      isGuide ? GUIDE : channel.topic || "Nothing was written here before this.",
    ),
    isGuide && h("p", { class: "welcome-text" }, "Three things to try first:"),
    isGuide &&
      h(
        "ol",
        { class: "suggestions" },
        SUGGESTIONS.map(({ title, text, go }, index) =>
          h(
            "li",
            {},
            h(
              "button",
              { class: "suggestion", type: "button", onclick: () => go(actions) },
              h("span", { class: "suggestion-number", "aria-hidden": "true" }, index + 1),
              h(
                "span",
                { class: "suggestion-body" },
                h("strong", {}, title),
                " ",
                h("span", { class: "muted" }, text),
              ),
            ),
          ),
        ),
      ),
  );
}

const GUIDE =
  "It watches services, reports on them, opens an incident when something breaks, and carries out the maintenance that people approve. The demo shop is under its care: a real service with a real database, on this machine.";

const SUGGESTIONS = [
  {
    title: "Ask how things are",
    text: "Runs /ops health and shows you what Steward measures.",
    go: (actions) => actions.run("/ops health"),
  },
  {
    title: "Update the shop to 1.1.0",
    text: "Steward shows its plan and asks for approval. Nobody approves their own request: choose Amir under “Acting as” and approve it.",
    go: (actions) => actions.run("/ops update shop 1.1.0"),
  },
  {
    title: "Stop the shop and watch the incident",
    text: "Opens #incidents, where Steward will raise the alarm. Mend it in the demo service's panel and see the incident close.",
    go: (actions) => actions.breakShop(),
  },
];
