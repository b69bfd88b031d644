import { listIncidents } from "../../journal/incidents.ts";
import { listCheckStates } from "../../journal/readings.ts";
import { listReleases } from "../../journal/releases.ts";
import { listRuns } from "../../journal/runs.ts";
import type { Json, ReadingState } from "../../journal/types.ts";
import type { StatusData } from "../present/lists.ts";
import { BADNESS } from "../present/marks.ts";
import { runTitle } from "../present/run-words.ts";
import { type Command, noMoreWords } from "./command.ts";

export const status: Command = {
  name: "status",
  usage: ["status"],
  help: "one line a service: how it is, what it runs, what is going on",
  roles: null,
  async run({ config, domain }, tx, request) {
    noMoreWords(request.words, 0, "status");
    const states = await listCheckStates(tx);
    const incidents = await listIncidents(tx, { open: true, limit: 500 });
    const runs = await listRuns(tx, { active: true, limit: 200 });
    const services: StatusData["services"] = [];
    for (const { id, observe } of config.services) {
      const checks = states.filter((state) => state.service === id);
      const run = runs.find((candidate) => candidate.service === id);
      const [release] = await listReleases(tx, id, 1);
      services.push({
        id,
        observe,
        state: worst(checks.map((check) => check.settled)),
        checks: checks.length,
        version: release?.version ?? null,
        incidents: incidents.filter((incident) => incident.service === id).map((incident) => incident.id),
        run: run ? { id: run.id, title: runTitle(run), state: run.state } : null,
      });
    }
    const next = domain.nextTicks()[0];
    const data: StatusData = { services, next: next ? { task: next.task, at: next.at.toISOString() } : null };
    await request.reply("status", data as unknown as { [key: string]: Json });
  },
};

/** Nothing measured is not known to be well. */
function worst(states: ReadingState[]): ReadingState {
  return BADNESS.find((state) => states.includes(state)) ?? "unknown";
}
