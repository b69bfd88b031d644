import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Journal, openJournal, transaction } from "../../src/journal/database.ts";
import { claimIncident } from "../../src/journal/incidents.ts";
import { startQueue } from "../../src/journal/queue.ts";
import type { Notice } from "../../src/journal/types.ts";
import { silentLog } from "../../src/log.ts";
import { measureService } from "../../src/tasks/checks/measure.ts";
import { taskWorker } from "../../src/tasks/index.ts";
import { requestReport } from "../../src/tasks/report.ts";
import type { TaskContext, TaskJob } from "../../src/tasks/task.ts";
import { type TestDatabase, testDatabase } from "../servers/postgres.ts";
import { configOf, hostWith } from "./world.ts";

let database: TestDatabase;
let journal: Journal;
beforeAll(async () => {
  database = await testDatabase("health");
  journal = await openJournal(database.url, () => {});
});
afterAll(async () => {
  await journal.close();
  await database.drop();
});
beforeEach(() => journal.query("truncate notices, messages, schedule_ledger, incidents cascade"));

const config = configOf({
  shop: { checks: [{ type: "cpu" }, { type: "disk" }] },
  mail: { observe: true, checks: [{ type: "memory" }] },
});
const context = (more: Partial<TaskContext> = {}): TaskContext => ({
  journal,
  config,
  measureService: (service, options) =>
    measureService(service, { hostOf: () => hostWith({ cpu: 95, memory: 50, disk: 85 }) }, options),
  log: silentLog,
  ...more,
});
const job = (more: Partial<TaskJob> = {}): TaskJob => ({
  task: "health",
  service: null,
  channel: "ops",
  requestedBy: "U1",
  dueAt: null,
  key: "intent:1",
  ...more,
});
const live = new AbortController().signal;
const posted = async () =>
  (
    await journal.query<Notice & { channel: string }>(
      "select n.kind, n.data, m.channel from notices n join messages m on m.subject_kind = 'notice' and m.subject_id = n.id order by n.id",
    )
  ).rows;

describe("the health report", () => {
  it("says how every service stands, with its open incidents", async () => {
    const { incident } = await transaction(journal, (tx) =>
      claimIncident(tx, {
        service: "shop",
        cause: "service",
        title: "cpu 95 %",
        observed: false,
        reopenWithinMs: 1,
      }),
    );
    await taskWorker(context({ now: () => new Date("2026-11-23T08:00:01Z") }))(job(), live);
    const [notice, ...others] = await posted();
    expect(others).toEqual([]);
    expect(notice).toMatchObject({
      kind: "health",
      channel: "ops",
      data: {
        at: "2026-11-23T08:00:01.000Z",
        service: null,
        scheduled: false,
        requestedBy: "U1",
        services: [
          {
            id: "shop",
            observe: false,
            state: "critical",
            readings: [
              {
                check: "cpu",
                type: "cpu",
                component: "host",
                state: "critical",
                summary: "cpu 95 % > 90 % (critical)",
                value: 95,
                unit: "%",
              },
              { check: "disk", state: "warning" },
            ],
          },
          { id: "mail", observe: true, state: "ok" },
        ],
        openIncidents: [{ id: incident.id, service: "shop", title: "cpu 95 %", state: "open" }],
        wouldHavePaged: [],
      },
    });
  });

  it("says of services in observe mode what would have paged, apart from what is open", async () => {
    await transaction(journal, (tx) =>
      claimIncident(tx, {
        service: "mail",
        cause: "service",
        title: "memory 97 %",
        observed: true,
        reopenWithinMs: 1,
      }),
    );
    await taskWorker(context())(job(), live);
    expect((await posted())[0]!.data).toMatchObject({
      openIncidents: [],
      wouldHavePaged: [{ service: "mail", title: "memory 97 %", occurrences: 1 }],
    });
  });

  it("of one service is about that one", async () => {
    await taskWorker(context())(job({ service: "mail" }), live);
    expect((await posted())[0]!.data).toMatchObject({
      service: "mail",
      services: [{ id: "mail" }],
      openIncidents: [],
      wouldHavePaged: [],
    });
  });

  it("is posted once however often its job is tried, asked for or scheduled", async () => {
    const work = taskWorker(context());
    const scheduled = job({ dueAt: "2026-11-23T08:00:00.000Z", requestedBy: null, key: null });
    await Promise.all([work(job(), live), work(job(), live), work(scheduled, live), work(scheduled, live)]);
    await work(job(), live);
    expect((await posted()).map(({ data }) => data.scheduled).sort()).toEqual([false, true]);
    await work(job({ key: "intent:2" }), live);
    await work(job({ ...scheduled, dueAt: "2026-11-24T08:00:00.000Z" }), live);
    expect(await posted()).toHaveLength(4);
  });

  it("that was broken off posts nothing and is done by the next try", async () => {
    await expect(taskWorker(context())(job(), AbortSignal.abort(new Error("stopping")))).rejects.toThrow(
      "stopping",
    );
    expect(await posted()).toEqual([]);
    await taskWorker(context())(job(), live);
    expect(await posted()).toHaveLength(1);
  });

  it("that fails says so in its channel, once, and is not tried for ever", async () => {
    const work = taskWorker(context({ measureService: () => Promise.reject(new Error("no such thing")) }));
    await work(job(), live);
    await work(job(), live);
    await taskWorker(context())(job({ task: "heath", key: "intent:3" }), live);
    expect((await posted()).map(({ kind, data }) => `${kind} ${data.mark} ${data.text}`)).toEqual([
      "note bad The health report could not be made: no such thing",
      "note bad The heath report could not be made: Unknown task 'heath'; known: health",
    ]);
  });
});

describe("a request for a report", () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it("is carried out by the queue when its transaction commits, and only then", async () => {
    const queue = await startQueue(database.url, () => {});
    closing.push(() => queue.stop(1_000));
    await queue.work("task", 1, taskWorker(context()));
    const request = (intentId: number) => ({
      task: "health",
      service: "mail",
      channel: "ops",
      requestedBy: "U1",
      intentId,
    });
    const rolledBack = transaction(journal, async (tx) => {
      await requestReport(queue, tx, request(7));
      throw new Error("thought better of it");
    });
    await expect(rolledBack).rejects.toThrow("better");
    await transaction(journal, (tx) => requestReport(queue, tx, request(8)));
    const deadline = Date.now() + 10_000;
    while ((await posted()).length === 0 && Date.now() < deadline) await pause(20);
    const ledger = await journal.query<{ task: string }>("select task from schedule_ledger");
    expect(ledger.rows).toEqual([{ task: "report:health:intent:8" }]);
    expect(await posted()).toHaveLength(1);
  });
});
