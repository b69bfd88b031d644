import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { isAway, type Journal, openJournal, transaction, whileAway } from "../../src/journal/database.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/journal/embedded.ts";
import { keep } from "../servers/run.ts";

let home: string;
let server: EmbeddedPostgres;
let journal: Journal;

async function start(): Promise<void> {
  server = await startEmbeddedPostgres({ home, settings: { fsync: "off" } });
  await keep("journal-restart", server.pid, {
    signal: "SIGQUIT",
    folders: [server.folder, server.socketFolder],
  });
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "steward-journal-"));
  await start();
  await server.ensureDatabase("steward");
  journal = await openJournal(server.url("steward"), () => {});
  await journal.query("create table deeds (what text)");
});
afterEach(() => journal.query("truncate deeds"));
afterAll(async () => {
  await journal.close();
  await server.stop();
  for (const folder of [server.folder, server.socketFolder, home])
    await rm(folder, { recursive: true, force: true });
});

const deeds = async () =>
  (await journal.query<{ what: string }>("select what from deeds")).rows.map((row) => row.what);
const write = (what: string) =>
  transaction(journal, (tx) => tx.query("insert into deeds values ($1)", [what]));

describe("while the server is away", () => {
  test("a write waits and is there once when the server is back", async () => {
    await server.stop();
    let tries = 0;
    const writing = whileAway(() => {
      tries += 1;
      return write("late");
    });
    await expect.poll(() => tries).toBeGreaterThan(1);
    await start();
    await writing;
    expect(await deeds()).toEqual(["late"]);
  });

  test("a transaction that it catches in the middle fails as away and is done anew as a whole", async () => {
    let tries = 0;
    await whileAway(() =>
      transaction(journal, async (tx) => {
        tries += 1;
        await tx.query("insert into deeds values ('one')");
        if (tries === 1) {
          await server.stop();
          await start();
        }
        await tx.query("insert into deeds values ('two')");
      }),
    );
    expect(tries).toBeGreaterThan(1);
    expect(await deeds()).toEqual(["one", "two"]);
  });

  test("everything is looked at once when the listener is back, as notices were missed", async () => {
    await server.stop();
    const woken = new Promise((done) => journal.wake.once("messages", () => done("woken")));
    await start();
    expect(await woken).toBe("woken");
    const notified = new Promise((done) => journal.wake.once("intents", () => done("notified")));
    await journal.query("select pg_notify('steward', 'intents')");
    expect(await notified).toBe("notified");
  });

  test("waiting ends when told to stop", async () => {
    await server.stop();
    const stop = new AbortController();
    const waiting = whileAway(() => write("never"), stop.signal);
    stop.abort();
    await expect(waiting).rejects.toSatisfy(isAway);
    await start();
    expect(await deeds()).toEqual([]);
  });
});

test("other errors are not waited for", async () => {
  let tries = 0;
  const failing = whileAway(() => {
    tries += 1;
    return journal.query("select no_such_column");
  });
  await expect(failing).rejects.toMatchObject({ code: "42703" });
  expect(tries).toBe(1);
});

test("replicas that start at once bring the schema up to date once", async () => {
  await server.ensureDatabase("fresh");
  const opened = await Promise.all([1, 2, 3].map(() => openJournal(server.url("fresh"), () => {})));
  const { rows } = await opened[0]!.query("select count(*)::int as n from steward.migrations");
  for (const one of opened) await one.close();
  expect(rows[0]!.n).toBeGreaterThan(0);
});

test("a journal that cannot be opened is said in the server's words", async () => {
  await expect(openJournal(server.url("no_such_database"), () => {})).rejects.toMatchObject({
    code: "journal_unreachable",
    message: expect.stringContaining("no_such_database"),
  });
});
