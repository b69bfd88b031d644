/** kill -9 in the middle of an update, judged from outside: by the shop, its database and its repository. */
import { afterEach, expect, test } from "vitest";
import { startWorld, type World } from "./world.ts";

let world: World;
afterEach(async () => {
  await world?.close();
});

test("an update whose Steward is killed in the middle ends correctly after the next start", {
  timeout: 120_000,
}, async () => {
  world = await startWorld();
  const first = await world.startReplica();
  await world.ops("U0OLGA", "update shop 1.1.0");
  await world.press("U0AMIR", await world.card(/1\.1\.0: approval needed/), "run_approve");
  await until(async () => (await stepsDone()).includes("backup"));
  await first.kill();
  const before = await stepsDone();
  expect(before).not.toContain("record");
  await world.startReplica();
  await world.card(/shop runs 1\.1\.0/);
  const status = await world.demo.status();
  expect(status).toMatchObject({ version: "1.1.0", state: "healthy" });
  const attempts = await world.journal.query<{ step: string; done: number }>(
    "select step, count(*) filter (where outcome = 'done')::int as done from attempts group by step",
  );
  expect(attempts.rows.filter((row) => row.done !== 1)).toEqual([]);
  expect((await stepsDone()).slice(0, before.length)).toEqual(before);
  const order = await fetch(`${world.demo.url}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ item: "Oat milk", customer: "Zed", quantity: 1 }),
  });
  expect(order.status).toBe(201);
});

async function stepsDone(): Promise<string[]> {
  const result = await world.journal.query<{ step: string }>(
    "select step from attempts where outcome = 'done' order by id",
  );
  return result.rows.map((row) => row.step);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    if (await condition()) return;
  }
  throw new Error(`not met: ${await stepsDone()}`);
}
