import { nearest, StewardError } from "../../errors.ts";
import type { Db } from "../../journal/database.ts";
import { listIncidents, loadIncident } from "../../journal/incidents.ts";
import type { Incident } from "../../journal/types.ts";
import { badArgument, type Command, idArgument, noMoreWords } from "./command.ts";

const USAGE = ["incident ack ID", "incident resolve ID REASON"];

export const incident: Command = {
  name: "incident",
  usage: USAGE,
  help: "says that you have it, or closes it with how it was resolved",
  roles: ["operator", "approver"],
  async run({ domain }, tx, { words, actor, reply }) {
    const [verb, typed, ...rest] = words;
    if (verb !== "ack" && verb !== "resolve") {
      const near = verb && nearest(verb, ["ack", "resolve"]);
      throw badArgument(
        verb,
        `ack, resolve${near ? ` (did you mean ${near}?)` : ""}`,
        USAGE.join(" or /ops "),
      );
    }
    const id = (await knownIncident(tx, idArgument(typed, "an incident", `incident ${verb} ID`))).id;
    if (verb === "ack") {
      noMoreWords(words, 2, USAGE[0]!);
      await domain.acknowledgeIncident(tx, { id, actor });
      return await reply("note", { mark: "good", text: `You have incident ${id}.` });
    }
    const reason = rest.join(" ").trim();
    if (!reason)
      throw new StewardError("reason_missing", "Resolving by hand needs a reason", {
        hint: `/ops incident resolve ${id} REASON`,
      });
    await domain.resolveIncident(tx, { id, actor, reason });
    await reply("note", { mark: "good", text: `Incident ${id} is resolved.` });
  },
};

/** Throws `unknown_incident`, naming the open ones. */
export async function knownIncident(db: Db, id: number): Promise<Incident> {
  const found = await loadIncident(db, id);
  if (found) return found;
  const open = (await listIncidents(db, { open: true, limit: 10 })).map((known) => known.id);
  throw new StewardError(
    "unknown_incident",
    `There is no incident ${id}; open: ${open.join(", ") || "none"}`,
    { hint: "/ops incidents lists them." },
  );
}
