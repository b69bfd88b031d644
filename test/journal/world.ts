/** A journal of its own on a real server, and another replica's connections to it. */
import { type Journal, openJournal } from "../../src/journal/database.ts";
import { createRun } from "../../src/journal/runs.ts";
import type { Actor, Run } from "../../src/journal/types.ts";
import { testDatabase } from "../servers/postgres.ts";

export const OLGA: Actor = { kind: "person", id: "U0OLGA", team: "T1" };

export interface TestJournal {
  journal: Journal;
  other: Journal;
  /** a run in this state, as if it had come there by itself */
  run(state: Run["state"], service?: string): Promise<number>;
  close(): Promise<void>;
}

export async function openTestJournal(): Promise<TestJournal> {
  const database = await testDatabase("journal");
  const ignore = () => {};
  const [journal, other] = [await openJournal(database.url, ignore), await openJournal(database.url, ignore)];
  return {
    journal,
    other,
    async run(state, service = "shop") {
      const id = await createRun(journal, {
        runbook: "update",
        service,
        args: {},
        requestedBy: OLGA,
        channel: "ops",
        intentId: null,
      });
      await journal.query("update runs set state = $2 where id = $1", [id, state]);
      return id;
    },
    async close() {
      await journal.close();
      await other.close();
      await database.drop();
    },
  };
}
