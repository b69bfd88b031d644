import type { Service } from "../../config.ts";
import { type Db, isAway, type Journal, transaction } from "../../journal/database.ts";
import { takeLease } from "../../journal/leases.ts";
import { listCheckStates, saveCheckStates } from "../../journal/readings.ts";
import type { CheckState, Reading, ReadingState } from "../../journal/types.ts";
import type { Log } from "../../log.ts";
import type { PlannedCheck } from "../checks/declared.ts";
import { settle, worstOf } from "../settle.ts";
import { leaseOf } from "./shards.ts";
import { shardOf } from "./spread.ts";

export interface BookDeps {
  journal: Journal;
  log: Log;
  termMs: number;
  /** longest time from a reading to its write */
  flushMs: number;
  /** Brings incidents in line; `states` are all current states of the service. */
  follow(tx: Db, service: Service, states: CheckState[]): Promise<void>;
  /** Whether a run holds the service: its readings are stored and followed only when it has ended. */
  underRun(service: string, tx: Db): Promise<boolean>;
}

/** One service's page: where its checks stand, what is not written yet. */
interface Page {
  service: Service;
  states: Map<string, CheckState>;
  unwritten: Set<string>;
  /** something changed that incidents have not followed yet */
  owed: boolean;
  /** where each check had settled when incidents last followed */
  followed: Map<string, ReadingState>;
}

export interface Book {
  /** Begins to keep these services' states, from what the journal knows. */
  open(services: readonly Service[]): Promise<void>;
  enter(planned: PlannedCheck, reading: Reading): void;
  /** Writes what is unwritten and stops keeping these services. */
  close(services: readonly Service[]): Promise<void>;
}

const RETRY_MS = 1_000;

/**
 * Keeps the states of the checks that this replica measures and writes them in batches. Each write proves in
 * its own transaction that the shard's lease is still ours: a replica that was frozen writes nothing stale.
 * Only the newest state of a check waits to be written, however long the journal is away.
 */
export function createBook(deps: BookDeps): Book {
  const pages = new Map<string, Page>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const plan = (inMs: number) => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      void flush();
    }, inMs);
  };
  const flush = (only?: ReadonlySet<string>): Promise<void> => {
    writing = writing.then(async () => {
      const due = [...pages.values()].filter(
        (page) => page.unwritten.size > 0 && (!only || only.has(page.service.id)),
      );
      const results = [
        await attempt(deps, () =>
          writeQuiet(
            deps,
            due.filter((page) => !page.owed),
          ),
        ),
      ];
      for (const page of due.filter((one) => one.owed))
        results.push(await attempt(deps, () => writeLoud(deps, page)));
      if (results.includes("failed") && !only) plan(RETRY_MS);
    });
    return writing;
  };
  return {
    async open(services) {
      const ids = new Set(services.map((service) => service.id));
      const states = (await listCheckStates(deps.journal)).filter((state) => ids.has(state.service));
      for (const service of services) {
        const own = states.filter((state) => state.service === service.id);
        // owed: whoever held it before may have died between a reading and its consequence
        pages.set(service.id, {
          service,
          states: new Map(own.map((state) => [state.name, state])),
          unwritten: new Set(),
          owed: true,
          followed: new Map(own.map((state) => [state.name, state.settled])),
        });
      }
    },
    enter(planned, reading) {
      const page = pages.get(planned.service.id);
      if (!page) return;
      const before = page.states.get(planned.name);
      const after = settle(before, reading, planned);
      page.states.set(planned.name, after);
      page.unwritten.add(planned.name);
      page.owed ||=
        after.settled !== (before?.settled ?? "ok") ||
        (after.state !== "ok" && after.reading.summary !== before?.reading.summary);
      plan(deps.flushMs);
    },
    async close(services) {
      await flush(new Set(services.map((service) => service.id)));
      for (const service of services) pages.delete(service.id);
    },
  };
}

async function attempt(deps: BookDeps, write: () => Promise<void>): Promise<"written" | "failed"> {
  try {
    await write();
    return "written";
  } catch (error) {
    // that it is away is said once by who renews the leases
    if (!isAway(error)) deps.log.error({ err: error }, "readings could not be written");
    return "failed";
  }
}

/** Services that incidents need not hear of, all in one transaction. */
async function writeQuiet(deps: BookDeps, pages: readonly Page[]): Promise<void> {
  if (pages.length === 0) return;
  const written = await transaction(deps.journal, async (tx) => {
    const ours: Page[] = [];
    for (const shard of [...new Set(pages.map((page) => shardOf(page.service.id)))].sort()) {
      if (await holds(deps, tx, shard))
        ours.push(...pages.filter((page) => shardOf(page.service.id) === shard));
    }
    const batch = ours.map((page) => ({ page, states: unwrittenOf(page) }));
    await saveCheckStates(
      tx,
      batch.flatMap(({ states }) => states),
    );
    return batch;
  });
  for (const { page, states } of written) markWritten(page, states);
}

/** A service with a change: its states and what follows from them in one transaction of its own. */
async function writeLoud(deps: BookDeps, page: Page): Promise<void> {
  // the change that comes in while this one is written is owed again
  page.owed = false;
  let followed = false;
  try {
    const { states, all } = await transaction(deps.journal, async (tx) => {
      if (!(await holds(deps, tx, shardOf(page.service.id)))) return { states: [], all: [] };
      const silenced = await deps.underRun(page.service.id, tx);
      if (silenced) hush(page);
      // what is written is what is followed: readings that come in meanwhile belong to the next write
      const [states, all] = [unwrittenOf(page), sorted(page)];
      await saveCheckStates(tx, states);
      if (silenced) return { states, all: [] };
      await deps.follow(tx, page.service, all);
      followed = true;
      return { states, all };
    });
    if (followed) page.followed = new Map(all.map((state) => [state.name, state.settled]));
    markWritten(page, states);
  } catch (error) {
    if (isAway(error)) throw error;
    deps.log.error(
      { err: error, service: page.service.id },
      "incidents could not follow the readings; tried again with the next reading",
    );
    await writeQuiet(deps, [page]);
  } finally {
    page.owed ||= !followed;
  }
}

/**
 * What a service does while a run works on it settles nothing for the worse: a restart's bad readings must
 * not open an incident when the run has ended well. Whatever is still bad then has to show it anew.
 */
function hush(page: Page): void {
  for (const [name, state] of page.states) {
    const before = page.followed.get(name) ?? "ok";
    if (worstOf([before, state.settled]) === before) continue;
    page.states.set(name, { ...state, settled: before, recent: [] });
    page.unwritten.add(name);
  }
}

async function holds(deps: BookDeps, tx: Db, shard: number): Promise<boolean> {
  return (await takeLease(tx, leaseOf(shard), deps.journal.holder, deps.termMs)) !== undefined;
}

function unwrittenOf(page: Page): CheckState[] {
  return [...page.unwritten].map((name) => page.states.get(name)!);
}

/** Only what has not moved on meanwhile counts as written. */
function markWritten(page: Page, states: readonly CheckState[]): void {
  for (const state of states) if (page.states.get(state.name) === state) page.unwritten.delete(state.name);
}

function sorted(page: Page): CheckState[] {
  return [...page.states.values()].sort((a, b) => a.name.localeCompare(b.name));
}
