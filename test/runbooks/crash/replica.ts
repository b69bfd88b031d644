/**
 * A replica in a process of its own, to be killed: `replica.ts DATABASE_URL FOLDER SERVICES [KILL_AT]`. With KILL_AT,
 * such as `before:7`, it kills itself right before or after its seventh statement of the journal.
 */
import { join } from "node:path";
import { parseConfig, readEnvironment } from "../../../src/config.ts";
import { type Journal, openJournal } from "../../../src/journal/database.ts";
import { startQueue } from "../../../src/journal/queue.ts";
import { silentLog } from "../../../src/log.ts";
import type { RunbookContext } from "../../../src/runbooks/runbook.ts";
import { startRunbookWorkers } from "../../../src/runbooks/supervise.ts";
import { localHost } from "../../../src/targets/host.ts";
import { crashConfig } from "./config.ts";
import { crashRunbooks } from "./runbooks.ts";

const [url = "", folder = "", services = "1", killAt = ""] = process.argv.slice(2);
const onError = () => {};
const journal = killing(await openJournal(url, onError), killAt);
const queue = await startQueue(url, onError);
const redact = (text: string) => text;
const host = localHost({ redact, environment: process.env });
const context: RunbookContext = {
  journal,
  queue,
  config: parseConfig(
    crashConfig(Number(services)),
    { ...readEnvironment({}), home: folder },
    { checks: {}, tasks: [] },
  ),
  log: silentLog,
  redact,
  mirrors: join(folder, "mirrors"),
  host: () => host,
  measure: async () => [],
  asOfNow: async (actor) => actor,
  runbooks: crashRunbooks(join(folder, "effects")),
};
await startRunbookWorkers(context);
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.send?.({ ready: journal.holder });

/** The same journal; from the first statement about an attempt on, statements are counted. */
function killing(real: Journal, when: string): Journal {
  const [edge, number] = when.split(":");
  if (!number) return real;
  let count = 0;
  let counting = false;
  const wrap =
    (query: Journal["query"]): Journal["query"] =>
    async (text, values) => {
      const sql = typeof text === "string" ? text : text.text;
      counting ||= sql.includes("attempts");
      if (counting) count += 1;
      const now = counting && count === Number(number);
      if (now && edge === "before") process.kill(process.pid, "SIGKILL");
      const result = await query(text, values);
      if (now) process.kill(process.pid, "SIGKILL");
      return result as never;
    };
  const connect = real.pool.connect.bind(real.pool);
  const pool = Object.create(real.pool, {
    connect: {
      value: async () => {
        const client = await connect();
        const query = client.query.bind(client) as unknown as Journal["query"];
        return Object.create(client, { query: { value: wrap(query) } });
      },
    },
  });
  return Object.create(real, { query: { value: wrap(real.query) }, pool: { value: pool } });
}
