import { listRuns } from "../../journal/runs.ts";
import type { Json } from "../../journal/types.ts";
import type { RunsData } from "../present/lists.ts";
import { runTitle } from "../present/run-words.ts";
import { type Command, noMoreWords } from "./command.ts";

export const runs: Command = {
  name: "runs",
  usage: ["runs"],
  help: "the last ten runs",
  roles: null,
  async run(_context, tx, request) {
    noMoreWords(request.words, 0, "runs");
    const data: RunsData = {
      runs: (await listRuns(tx, { limit: 10 })).map((run) => ({
        id: run.id,
        title: runTitle(run),
        state: run.state,
        requestedBy: run.requestedBy.id,
        createdAt: run.createdAt.toISOString(),
      })),
    };
    await request.reply("runs", data as unknown as { [key: string]: Json });
  },
};
