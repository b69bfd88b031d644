import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isAway } from "../src/journal/database.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/journal/embedded.ts";
import { isClean, type Verdict } from "../test/runbooks/crash/judge.ts";
import { type CrashWorld, crashWorld, type Replica, takeovers } from "../test/runbooks/crash/world.ts";
import { keep } from "../test/servers/run.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { table } from "./table.ts";

const SERVICES = 24;
const REPLICAS = 3;
/** cases of the enumeration at a time */
const AT_ONCE = 6;
/** more than a run has statements: the enumeration ends at the first that is not reached */
const MOST_STATEMENTS = 80;
const KILL_EVERY_MS = 1_000;
const PAST_HEARTBEAT_MS = 13_000;
const AWAKE_MS = 3_000;
/** of replicas that die there stay connections for a while */
const SETTINGS = { max_connections: "400" };

interface Part {
  name: string;
  kills: number;
  runs: number;
  verdict: Verdict;
  taken: number[];
}

/** Deaths at every statement of a run, and at random under load with freezes and a database that goes away. */
export const crash: Bench = {
  name: "crash",
  help: "kill -9 at every statement and at random, freezes, and a database that is stopped hard; judged from outside",
  aim: "0 lost, 0 repeated, 0 overlapping, 0 wrong ends",
  async run(context: BenchContext) {
    const home = await mkdtemp(join(tmpdir(), "steward-crash-"));
    let postgres = await startEmbeddedPostgres({ home, settings: SETTINGS });
    const server = { url: (name: string) => postgres.url(name), postgres: () => postgres };
    const release = await keep("bench-crash", postgres.pid, {
      signal: "SIGINT",
      folders: [postgres.folder, home],
    });
    try {
      const parts = [
        await everyStatement(server.postgres(), "mixed", context),
        ...(context.long ? [await everyStatement(server.postgres(), "breaking", context)] : []),
        await atRandom(context, postgres, async () => {
          process.kill(postgres.pid, "SIGQUIT");
          await pause(2_000);
          postgres = await startEmbeddedPostgres({ home, settings: SETTINGS });
        }),
      ];
      const taken = parts.flatMap((part) => part.taken).sort((a, b) => a - b);
      context.print(
        table(
          [
            "deaths",
            "kills",
            "runs",
            "lost",
            "finished repeated",
            "overlapping",
            "repeated unasked",
            "wrong ends",
          ],
          parts.map(({ name, kills, runs, verdict }) => [
            name,
            String(kills),
            String(runs),
            ...[
              verdict.lost,
              verdict.repeatedFinished,
              verdict.overlapping,
              verdict.repeatedUnasked,
              verdict.wrongEnds,
            ].map((found) => String(found.length)),
          ]),
        ),
      );
      const seconds = (ms: number | undefined) => ((ms ?? 0) / 1_000).toFixed(1);
      context.print(
        `takeover: p50 ${seconds(taken[Math.floor(taken.length / 2)])} s, max ${seconds(taken.at(-1))} s, of ${taken.length}`,
      );
      for (const { name, verdict } of parts)
        if (!isClean(verdict)) context.print(`${name}: ${JSON.stringify(verdict)}`);
      const kills = parts.reduce((sum, part) => sum + part.kills, 0);
      const faults = parts
        .flatMap(({ verdict }) => Object.values(verdict))
        .reduce((sum, one) => sum + one, 0);
      return {
        figure: `${faults} faults in ${kills} kills`,
        reached: parts.every(({ verdict }) => isClean(verdict)),
      };
    } finally {
      await postgres.stop();
      await release();
      await rm(postgres.folder, { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    }
  },
};

/** One run each: its first replica dies right before or after its nth statement, a second one takes over. */
async function everyStatement(
  postgres: EmbeddedPostgres,
  runbook: string,
  { print }: BenchContext,
): Promise<Part> {
  const part: Part = {
    name: `${runbook}, every statement`,
    kills: 0,
    runs: 0,
    verdict: nothing(),
    taken: [],
  };
  let reached = true;
  for (let first = 1; reached && first <= MOST_STATEMENTS; first += AT_ONCE / 2) {
    const numbers = Array.from({ length: AT_ONCE / 2 }, (_, index) => first + index);
    const cases = numbers.flatMap((number) => [`before:${number}`, `after:${number}`]);
    const died = await Promise.all(cases.map((killAt) => oneDeath(postgres, runbook, killAt, part)));
    reached = died.some(Boolean);
    print(`${runbook}: statements up to ${numbers.at(-1)}, ${part.kills} kills`);
  }
  return part;
}

async function oneDeath(
  postgres: EmbeddedPostgres,
  runbook: string,
  killAt: string,
  part: Part,
): Promise<boolean> {
  const name = `${runbook}_${killAt.replace(":", "_")}`;
  await postgres.ensureDatabase(name);
  const world = await crashWorld(postgres.url(name), 1);
  try {
    const id = await world.approved(runbook, 1);
    const victim = await world.replica(killAt);
    const died = await Promise.race([
      new Promise<number>((resolve) => victim.process.once("exit", () => resolve(Date.now()))),
      world.rest(60_000).then(() => undefined),
    ]);
    if (died !== undefined) {
      part.kills += 1;
      await world.replica();
      await world.rest(60_000);
      part.taken.push(...takeovers(await world.attempts(), new Map([[victim.holder, died]])));
    }
    part.runs += 1;
    add(part.verdict, await world.verdict());
    const stuck = (await world.runs()).find((run) => run.id === id && run.state === "needs_decision");
    if (stuck?.decision && stuck.decision.step !== "once")
      part.verdict.wrongEnds.push(`${killAt} ${stuck.decision.step}`);
    return died !== undefined;
  } finally {
    await world.close();
  }
}

/** Runs over many services without end, and a death every second: some freeze instead, and the database goes too. */
async function atRandom(
  { long, print }: BenchContext,
  postgres: EmbeddedPostgres,
  stopDatabase: () => Promise<void>,
): Promise<Part> {
  const wanted = long ? 400 : 40;
  await postgres.ensureDatabase("random");
  const world = await crashWorld(postgres.url("random"), SERVICES);
  const deaths = new Map<string, number>();
  const living: Replica[] = [];
  const thawing: Promise<unknown>[] = [];
  const ending = new AbortController();
  try {
    for (let number = 0; number < REPLICAS; number += 1) living.push(await world.replica());
    const load = keepBusy(world, ending.signal);
    for (let kills = 1; kills <= wanted; kills += 1) {
      await pause(KILL_EVERY_MS);
      const victim = living.shift()!;
      if (kills % 10 === 0) {
        victim.process.kill("SIGSTOP");
        // it wakes long after others have taken over what it held, and has a while to find that out
        thawing.push(
          pause(PAST_HEARTBEAT_MS)
            .then(() => victim.process.kill("SIGCONT"))
            .then(() => pause(AWAKE_MS))
            .then(() => victim.kill()),
        );
      } else deaths.set(victim.holder, await victim.kill());
      living.push(await world.replica());
      if (kills % 25 === 0) await stopDatabase();
      if (kills % 50 === 0) print(`at random: ${kills} deaths`);
    }
    ending.abort();
    await load;
    await Promise.all(thawing);
    await settle(world);
    const runs = await world.runs();
    return {
      name: "at random",
      kills: wanted,
      runs: runs.length,
      verdict: await world.verdict(),
      taken: takeovers(await world.attempts(), deaths),
    };
  } finally {
    ending.abort();
    await world.close();
  }
}

/** A new run for each service whose last one has ended; a person lets stuck ones go on. */
async function keepBusy(world: CrashWorld, signal: AbortSignal): Promise<void> {
  let count = 0;
  while (!signal.aborted) {
    await patiently(async () => {
      await world.approveWaiting();
      const runs = await world.runs();
      for (const { id, state } of runs) if (state === "needs_decision") await world.decide(id, "skip");
      const open = new Set(runs.filter(({ endedAt }) => endedAt === null).map(({ service }) => service));
      for (let service = 1; service <= SERVICES && !signal.aborted; service += 1) {
        if (open.has(`s${service}`)) continue;
        count += 1;
        await world.approved(count % 4 === 0 ? "breaking" : "mixed", service);
      }
    });
    await pause(500);
  }
}

/** Everything comes to its end; what waits for a person is let go on. */
async function settle(world: CrashWorld): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    await patiently(() => world.approveWaiting());
    await world.rest(120_000);
    const stuck = (await world.runs()).filter(({ state }) => state === "needs_decision");
    if (stuck.length === 0) return;
    for (const { id } of stuck) await patiently(() => world.decide(id, "skip"));
  }
}

/** Asking is answered with an error while the journal is away; people ask again. */
async function patiently(ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!isAway(error)) throw error;
    await pause(500);
  }
}

function nothing(): Verdict {
  return { lost: [], repeatedFinished: [], overlapping: [], repeatedUnasked: [], wrongEnds: [] };
}

function add(to: Verdict, more: Verdict): void {
  for (const key of Object.keys(to) as (keyof Verdict)[]) to[key].push(...more[key]);
}
