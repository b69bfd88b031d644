import { listIncidents } from "../../journal/incidents.ts";
import type { Json } from "../../journal/types.ts";
import type { IncidentsData } from "../present/lists.ts";
import { type Command, noMoreWords } from "./command.ts";

export const incidents: Command = {
  name: "incidents",
  usage: ["incidents"],
  help: "open incidents, then the newest resolved ones",
  roles: null,
  async run(_context, tx, request) {
    noMoreWords(request.words, 0, "incidents");
    const data: IncidentsData = {
      incidents: (await listIncidents(tx, { open: false, limit: 15 })).map((incident) => ({
        id: incident.id,
        service: incident.service,
        title: incident.title,
        state: incident.state,
        openedAt: incident.openedAt.toISOString(),
        occurrences: incident.occurrences,
        acknowledgedBy: incident.state === "acknowledged" ? (incident.acknowledgedBy?.id ?? null) : null,
      })),
    };
    await request.reply("incidents", data as unknown as { [key: string]: Json });
  },
};
