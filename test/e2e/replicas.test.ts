/** The main job over the control API, with two replicas on one database: each report and message once. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Replica, startWorld, type World } from "./world.ts";

let world: World;
let replicas: Replica[];

beforeAll(async () => {
  world = await startWorld((config) => {
    withoutHostChecks(config);
    config.schedules = { health: { at: "*/2 * * * * *", zone: "UTC", channel: "general" } };
  });
  replicas = [await world.startReplica(), await world.startReplica()];
}, 90_000);
afterAll(async () => {
  await world?.close();
});

const roots = (channel: string, text: RegExp) =>
  world.slack.messages(channel).filter((message) => !message.threadTs && text.test(message.text));

describe("two replicas on one database", { timeout: 120_000 }, () => {
  test("a scheduled report fires at every due second and is posted once", async () => {
    const from = Date.now();
    await world.slack.until("four scheduled reports", () => roots("C0GENERAL", /shop/).length >= 4, 30_000);
    const ticks = await world.journal.query<{ due_at: Date; fired_by: string }>(
      "select due_at, fired_by from schedule_ledger where task = 'health' order by due_at",
    );
    for (const { due_at } of ticks.rows)
      expect(due_at.getUTCMilliseconds() + (due_at.getUTCSeconds() % 2)).toBe(0);
    const reports = await world.journal.query<{ count: number }>(
      "select count(*)::int as count from notices where kind = 'health'",
    );
    await world.slack.until(
      "all reports shown",
      () => roots("C0GENERAL", /shop/).length >= reports.rows[0]!.count,
      10_000,
    );
    const due = await world.journal.query<{ count: number }>(
      "select count(*)::int as count from schedule_ledger where task = 'health' and due_at > $1 and due_at < now() - interval '3 seconds'",
      [new Date(from)],
    );
    const times = new Set(roots("C0GENERAL", /shop/).map((message) => message.ts));
    expect(times.size).toBe(roots("C0GENERAL", /shop/).length);
    expect(roots("C0GENERAL", /shop/).length).toBeLessThanOrEqual(ticks.rows.length + 2);
    expect(roots("C0GENERAL", /shop/).length).toBeGreaterThanOrEqual(due.rows[0]!.count);
  });

  test("a question is answered once", async () => {
    await world.ops("U0OLGA", "health shop");
    await world.card(/shop is healthy/);
    const answers = await world.journal.query<{ count: number }>(
      "select count(*)::int as count from messages where channel = 'C0OPS' and subject_kind = 'notice'",
    );
    expect(answers.rows[0]!.count).toBe(1);
    expect(roots("C0OPS", /shop is healthy/)).toHaveLength(1);
  });

  test("an update is planned, refused to its requester and to a guest, approved by another, and served", async () => {
    await world.ops("U0OLGA", "update shop 1.1.0");
    const card = await world.card(/1\.0\.0 → 1\.1\.0: approval needed/);
    await world.press("U0OLGA", card, "run_approve");
    await world.slack.until("the refusal for the requester", () =>
      world.slack
        .messages("C0OPS", "U0OLGA")
        .some((message) => message.ephemeralFor === "U0OLGA" && /asked for this run/.test(message.text)),
    );
    await world.press("U0GUS", card, "run_approve");
    await world.slack.until("the refusal for the guest", () =>
      world.slack
        .messages("C0OPS", "U0GUS")
        .some((message) => message.ephemeralFor === "U0GUS" && /guest/i.test(message.text)),
    );
    expect((await world.demo.status()).version).toBe("1.0.0");
    await world.press("U0AMIR", card, "run_approve");
    const done = await world.card(/shop runs 1\.1\.0/);
    expect(done.ts).toBe(card.ts);
    const status = await world.demo.status();
    expect(status).toMatchObject({ version: "1.1.0", state: "healthy" });
    expect(roots("C0OPS", /1\.1\.0/)).toHaveLength(1);
  });

  test("a bad version is undone by itself, database included, and no order is lost", async () => {
    const written: string[] = [];
    let accepted = 0;
    let refused = 0;
    let ordering = true;
    const customer = (async () => {
      while (ordering) {
        const answer = await order(world.demo.url).catch(() => undefined);
        if (answer?.status === 201) {
          accepted += 1;
          written.push(String(((await answer.json()) as { id: unknown }).id));
        } else if (answer?.status === 503) refused += 1;
      }
    })();
    await world.ops("U0OLGA", "update shop 1.2.0");
    await world.press("U0BEA", await world.card(/1\.1\.0 → 1\.2\.0: approval needed/), "run_approve");
    const result = await world.card(/1\.2\.0 failed its verification and was undone/);
    expect(result.text).toContain("shop runs 1.1.0 again");
    await untilAccepted(world.demo.url);
    ordering = false;
    await customer;
    expect(refused).toBeGreaterThan(0);
    expect(accepted).toBeGreaterThan(0);
    const kept = await world.shop.query<{ id: string }>("select id::text from orders");
    const ids = new Set(kept.rows.map((row) => row.id));
    expect(written.filter((id) => !ids.has(id))).toEqual([]);
    const migrations = await world.shop.query<{ name: string }>("select * from schema_migrations");
    expect(JSON.stringify(migrations.rows)).not.toContain("003");
    expect((await world.demo.status()).version).toBe("1.1.0");
    const { rows } = await world.shop.query("select datname from pg_database where datname like 'shop\\_%'");
    expect(rows).toEqual([]);
  });

  test("a rollback goes back to the release before", async () => {
    await world.ops("U0OLGA", "rollback shop");
    await world.press("U0AMIR", await world.card(/1\.1\.0 → 1\.0\.0: approval needed/), "run_approve");
    await world.card(/shop runs 1\.0\.0/);
    expect((await world.demo.status()).version).toBe("1.0.0");
  });

  test("a run that was undone opened no incident of its own", async () => {
    const incidents = await world.journal.query("select * from incidents");
    expect(incidents.rows).toEqual([]);
  });

  test("a dead service opens one incident; acknowledged, mended by its runbook, closed by its checks", async () => {
    await world.demo.setFault("stop");
    const root = await world.card(/shop/, "C0INCIDENTS");
    await world.press("U0OLGA", root, "incident_ack");
    await world.slack.until("who has it", () =>
      world.slack
        .messages("C0INCIDENTS")
        .some((message) => message.threadTs === root.ts && /has it/.test(message.text)),
    );
    await world.press("U0OLGA", root, "incident_runbook");
    const card = await world.slack.until("the run's card in the thread", () =>
      world.slack
        .messages("C0INCIDENTS")
        .find((message) => message.threadTs === root.ts && /approval needed/.test(message.text)),
    );
    await world.press("U0AMIR", card, "run_approve");
    await world.card(/^Resolved/, "C0INCIDENTS");
    expect(roots("C0INCIDENTS", /./)).toHaveLength(1);
    expect((await world.demo.status()).state).toBe("healthy");
  });

  test("when the replica that works dies, the other one answers", async () => {
    await replicas[0]!.kill();
    await world.ops("U0OLGA", "runs");
    await world.slack.until(
      "the list of runs",
      () =>
        world.slack
          .messages("C0OPS", "U0OLGA")
          .some((message) => message.ephemeralFor === "U0OLGA" && /run/i.test(message.text)),
      20_000,
    );
  });

  test("nothing was logged as an error", () => {
    const errors = replicas.flatMap((replica) =>
      replica
        .output()
        .split("\n")
        .filter((line) => line.includes('"level":50')),
    );
    expect(errors).toEqual([]);
  });
});

function order(url: string): Promise<Response> {
  return fetch(`${url}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ item: "Oat milk", customer: "Zed", quantity: 1 }),
  });
}

async function untilAccepted(url: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; )
    if ((await order(url)).status === 201) return;
  throw new Error("orders are still refused");
}

/** The machine that tests run on is busy with them: what its host checks say belongs to no test. */
function withoutHostChecks(config: Record<string, unknown>): void {
  const { shop } = config.services as { shop: { checks: { type: string }[] } };
  shop.checks = shop.checks.filter(({ type }) => !["cpu", "memory", "disk"].includes(type));
}
