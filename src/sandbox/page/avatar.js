import { h } from "./dom.js";
import { icon } from "./icons.js";

/** A person's square: initials in the person's colour, or the bell for the bot. Says nothing to screen readers. */
export function avatar(who, size = "") {
  const classes = `avatar ${size} ${who?.kind === "bot" ? "avatar-bot" : `tint-${who?.tint ?? 0}`}`;
  return h(
    "span",
    { class: classes, "aria-hidden": "true" },
    who?.kind === "bot" ? icon("bell") : (who?.initials ?? "?"),
  );
}
