import type { ModalView } from "@slack/types";
import type { Incident, IncidentMember, StoryEvent } from "../../journal/types.ts";
import { who } from "./actor.ts";
import { keepWithin, sections } from "./blocks.ts";
import { readingMark } from "./marks.ts";
import { count, line, moment, safe } from "./text.ts";

/** An incident's whole story, oldest first, and what its checks read now. */
export function presentTimeline(
  incident: Incident,
  members: IncidentMember[],
  events: StoryEvent[],
): ModalView {
  const readings = members.map(
    (member) =>
      `${readingMark[member.state]} ${line(member.checkName, 60)}: ${line(member.reading.summary, 500)} (since ${moment(member.since)})`,
  );
  const story = events.map(
    (event) =>
      `${moment(event.at)} *${line(event.kind.replaceAll("_", " "), 60)}*${event.actor ? ` by ${who(event.actor)}` : ""}${details(event)}`,
  );
  return {
    type: "modal",
    title: { type: "plain_text", text: `Incident ${incident.id}` },
    close: { type: "plain_text", text: "Close" },
    blocks: keepWithin(
      [
        ...sections(
          `*${line(incident.service, 80)}: ${line(incident.title, 300)}*\nOpened ${moment(incident.openedAt)}, ${count(incident.occurrences, "time")}`,
        ),
        ...sections(`*Readings*\n${readings.join("\n") || "none"}`),
        ...sections(`*Story*\n${story.join("\n") || "nothing yet"}`),
      ],
      100,
      60_000,
      "the journal has the rest",
    ),
  };
}

function details({ data }: StoryEvent): string {
  const shown = Object.entries(data)
    .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
    .map(([name, value]) => `${line(name, 40)} ${safe(String(value), 300)}`);
  return shown.length ? `: ${shown.join(", ")}` : "";
}
