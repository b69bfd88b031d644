/** Replicas as processes over one journal, and the people who ask and approve. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseConfig, readEnvironment } from "../../../src/config.ts";
import { isAway, type Journal, openJournal, transaction } from "../../../src/journal/database.ts";
import { type Queue, startQueue } from "../../../src/journal/queue.ts";
import { loadRun } from "../../../src/journal/runs.ts";
import type { Attempt, Decision, Run } from "../../../src/journal/types.ts";
import { silentLog } from "../../../src/log.ts";
import { planRequested } from "../../../src/runbooks/planning.ts";
import { decideApproval, decideStuck, requestRun } from "../../../src/runbooks/requests.ts";
import type { RunbookContext } from "../../../src/runbooks/runbook.ts";
import { localHost } from "../../../src/targets/host.ts";
import { keep } from "../../servers/run.ts";
import { BEA, OLGA } from "../house.ts";
import { crashConfig } from "./config.ts";
import { judge, type Verdict } from "./judge.ts";
import { crashRunbooks } from "./runbooks.ts";

export interface Replica {
  holder: string;
  process: ChildProcess;
  /** -9; resolves with the time once it is gone */
  kill(): Promise<number>;
}

export interface CrashWorld {
  journal: Journal;
  replica(killAt?: string): Promise<Replica>;
  /** a planned and approved run: queued, nobody carries it yet */
  approved(runbook: string, service: number): Promise<number>;
  /** approves what was left waiting when the journal went away in the middle of an approval */
  approveWaiting(): Promise<void>;
  runs(): Promise<Run[]>;
  attempts(): Promise<Attempt[]>;
  decide(runId: number, choice: Decision): Promise<void>;
  /** waits until no run is on its way any more */
  rest(timeoutMs: number): Promise<void>;
  verdict(): Promise<Verdict>;
  close(): Promise<void>;
}

const ON_ITS_WAY = ["planning", "awaiting_approval", "queued", "running", "undoing"];

export async function crashWorld(url: string, services: number): Promise<CrashWorld> {
  const folder = await mkdtemp(join(tmpdir(), "steward-crash-"));
  const log = join(folder, "effects");
  await writeFile(log, "");
  const journal = await openJournal(url, () => {});
  const queue: Queue = await startQueue(url, () => {});
  const redact = (text: string) => text;
  const config = parseConfig(
    crashConfig(services),
    { ...readEnvironment({}), home: folder },
    { checks: {}, tasks: [] },
  );
  // it asks and approves; it carries nothing
  const context: RunbookContext = {
    journal,
    queue,
    config,
    log: silentLog,
    redact,
    mirrors: join(folder, "mirrors"),
    host: () => localHost({ redact }),
    measure: async () => [],
    asOfNow: async (actor) => actor,
    runbooks: crashRunbooks(log),
  };
  const replicas = new Set<ChildProcess>();
  const rows = async <T>(read: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await read();
      } catch (error) {
        // the bench stops the server
        if (!isAway(error)) throw error;
        await pause(200);
      }
    }
  };
  const approve = async (runId: number) => {
    const { planHash } = (await loadRun(journal, runId))!;
    const decision = { runId, planHash: planHash!, actor: BEA, decision: "approve" as const, reason: null };
    await transaction(journal, (tx) => decideApproval(context, tx, decision));
  };
  const world: CrashWorld = {
    journal,
    async replica(killAt = "") {
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, "replica.ts"), url, folder, String(services), killAt],
        { stdio: ["ignore", "inherit", "inherit", "ipc"], detached: true },
      );
      replicas.add(child);
      const release = await keep("crash-replica", child.pid!, { signal: "SIGKILL" });
      const exited = new Promise<number>((resolve) =>
        child.once("exit", () => {
          replicas.delete(child);
          void release().then(() => resolve(Date.now()));
        }),
      );
      const holder = await new Promise<string>((resolve, reject) => {
        child.once("message", (message: { ready: string }) => resolve(message.ready));
        child.once("exit", () => reject(new Error("a replica ended before it was ready")));
      });
      return {
        holder,
        process: child,
        kill() {
          child.kill("SIGKILL");
          return exited;
        },
      };
    },
    async approved(runbook, service) {
      const runId = await transaction(journal, (tx) =>
        requestRun(context, tx, {
          runbook,
          service: `s${service}`,
          args: {},
          actor: OLGA,
          channel: "ops",
          intentId: null,
        }),
      );
      await planRequested(context, runId);
      await approve(runId);
      return runId;
    },
    async approveWaiting() {
      for (const { id, state } of await world.runs()) if (state === "awaiting_approval") await approve(id);
    },
    runs: () =>
      rows(async () => {
        const { rows: ids } = await journal.query<{ id: number }>("select id from runs order by id");
        return (await Promise.all(ids.map(({ id }) => loadRun(journal, id)))) as Run[];
      }),
    attempts: () =>
      rows(async () => {
        const result = await journal.query(
          `select id, run_id as "runId", step, direction, outcome, holder, process, token,
             started_at as "startedAt", ended_at as "endedAt" from attempts order by id`,
        );
        return result.rows as unknown as Attempt[];
      }),
    async decide(runId, choice) {
      await transaction(journal, (tx) => decideStuck(context, tx, { runId, actor: OLGA, choice }));
    },
    async rest(timeoutMs) {
      for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await pause(200)) {
        const moving = (await world.runs()).filter(({ state }) => ON_ITS_WAY.includes(state));
        if (moving.length === 0) return;
      }
      const left = (await world.runs()).filter(({ state }) => ON_ITS_WAY.includes(state));
      throw new Error(`runs still on their way: ${left.map(({ id, state }) => `${id} ${state}`).join(", ")}`);
    },
    async verdict() {
      return judge(await readFile(log, "utf8"), await world.runs(), await world.attempts());
    },
    async close() {
      for (const child of replicas) child.kill("SIGKILL");
      await queue.stop(1_000);
      await journal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

/** Milliseconds from each death to the first deed of another replica for a run that the dead one had open. */
export function takeovers(attempts: readonly Attempt[], deaths: ReadonlyMap<string, number>): number[] {
  const taken: number[] = [];
  for (const [holder, at] of deaths) {
    const open = attempts.filter(
      (attempt) => attempt.holder === holder && (!attempt.endedAt || attempt.endedAt.getTime() > at),
    );
    for (const { runId, id } of open) {
      const next = attempts.find(
        (attempt) => attempt.runId === runId && attempt.id > id && attempt.holder !== holder,
      );
      if (next) taken.push(next.startedAt.getTime() - at);
    }
  }
  return taken;
}
