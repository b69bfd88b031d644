/** Secrets planted wherever one may come in, and then looked for wherever something goes out. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../servers/run.ts";
import { startWorld, type World } from "./world.ts";

/** By the way it comes in; the last four are declared nowhere and only look like secrets. */
const SECRETS = {
  env: "correct-horse-battery-staple",
  file: "s3cr3t-from-a-mounted-file",
  url: "pa55-in-a-url",
  encoded: "sl/ash+in-it",
  token: `ghp_${"a1B2".repeat(9)}`,
  pair: "hunter2-in-a-pair",
  typed: "xoxb-123456789012-typedByAPerson",
  remote: "pa55-of-the-remote",
};

let world: World;
let home: string;
/** what only the tests see */
let own: string;
let replica: Awaited<ReturnType<World["startReplica"]>>;
beforeAll(async () => {
  const nowhere = await freePort();
  process.env.E2E_SECRET = SECRETS.env;
  process.env.E2E_HEALTH_URL = `http://watch:${SECRETS.url}@127.0.0.1:${nowhere}/health`;
  process.env.E2E_DATABASE_URL = `postgres://shop:${encodeURIComponent(SECRETS.encoded)}@127.0.0.1:${nowhere}/shop`;
  // printed whole, over two writes, encoded as in a URL, and as the last line of a command that fails
  const print = `echo "out $LEAK and $FILED"; printf '%s' ${SECRETS.token.slice(0, 20)}; sleep 0.2; echo ${SECRETS.token.slice(20)}; echo password=${SECRETS.pair}; echo ${encodeURIComponent(SECRETS.encoded)} ${SECRETS.encoded}`;
  own = await mkdtemp(join(tmpdir(), "steward-secrets-"));
  await writeFile(join(own, "test.sh"), `${print}; test ! -e fail || { echo "$LEAK"; exit 9; }\n`);
  await writeFile(join(own, "mounted"), `${SECRETS.file}\n`, { mode: 0o600 });
  world = await startWorld((config) => {
    const { shop } = config.services as Record<string, Record<string, unknown>>;
    shop!.environment = {
      ...(shop!.environment as object),
      LEAK: { env: "E2E_SECRET" },
      FILED: { file: join(own, "mounted") },
    };
    (shop!.commands as Record<string, unknown>).test = ["/bin/sh", join(own, "test.sh")];
    (config.services as Record<string, unknown>).ghost = {
      repository: { path: shop!.repository && (shop!.repository as { path: string }).path, remote: "leaky" },
      health: { url: { env: "E2E_HEALTH_URL" } },
      database: { url: { env: "E2E_DATABASE_URL" } },
      commands: { restart: ["/bin/sh", "-c", 'echo "$LEAK"; exit 3'] },
      environment: { LEAK: { env: "E2E_SECRET" } },
      checks: [
        { type: "http", every: "1s" },
        { type: "postgres", every: "1s" },
      ],
    };
    home = (shop!.repository as { path: string }).path.replace(/\/demo\/shop$/, "");
  });
  execFileSync("git", [
    ...["-C", join(home, "demo/shop"), "remote", "add", "leaky"],
    `http://git:${SECRETS.remote}@127.0.0.1:${nowhere}/shop.git`,
  ]);
  replica = await world.startReplica();
}, 120_000);
afterAll(async () => {
  await world?.close();
  await rm(own, { recursive: true, force: true });
});

test("a secret that comes in by any way goes out by none", { timeout: 180_000 }, async () => {
  // output of a command that succeeds, and of one that fails
  await world.ops("U0OLGA", "update shop 1.1.0");
  await world.press("U0AMIR", await world.card(/1\.1\.0: approval needed/), "run_approve");
  await world.card(/shop runs 1\.1\.0/);
  await writeFile(join(home, "demo/shop/fail"), "");
  await world.ops("U0OLGA", "update shop 1.2.0");
  await world.press("U0AMIR", await world.card(/1\.2\.0: approval needed/), "run_approve");
  await world.card(/1\.2\.0 failed at/);
  // an argument of the plan, an error of git's with a URL, a check that cannot reach what it measures
  await world.ops("U0OLGA", "restart ghost");
  await world.press("U0AMIR", await world.card(/Restart ghost/), "run_approve");
  await world.card(/Restart ghost: failed/);
  await world.ops("U0OLGA", "update ghost 1.1.0");
  await told("git");
  await world.ops("U0OLGA", "health ghost");
  await world.slack.until("the report", () =>
    world.slack.messages("C0OPS").some(({ text }) => /ghost/.test(text)),
  );
  // what people type: as a command, as an argument, as a reason
  for (const typed of [SECRETS.typed, `update shop ${SECRETS.typed}`, `update shop password=${SECRETS.pair}`])
    await world.ops("U0OLGA", typed);
  await told("known:");
  await world.ops("U0OLGA", "rollback shop");
  const card = await world.card(/1\.0\.0: approval needed/);
  await world.press("U0BEA", card, "run_reject");
  const form = await world.slack.until("the form", () => world.slack.views("U0BEA").at(-1));
  await world.slack.submitView("U0BEA", form.id, { reason: { text: `because of ${SECRETS.typed}` } });
  await world.card(/rejected/);
  await world.press("U0OLGA", await world.card(/shop runs 1\.1\.0/), "run_details");
  await world.slack.until("the details", () => world.slack.views("U0OLGA").at(-1));
  await replica.stop();

  const sinks: Record<string, string> = {
    "Slack's messages and files": JSON.stringify(world.slack.state()),
    "calls to Slack": JSON.stringify(world.slack.apiCalls()),
    forms: JSON.stringify(["U0OLGA", "U0BEA"].map((user) => world.slack.views(user))),
    journal: await wholeJournal(),
    log: replica.output(),
    ...(await files(home)),
  };
  expect(sinks.journal!.length).toBeGreaterThan(10_000);
  expect(sinks["calls to Slack"]).toContain("[redacted]");
  const leaks = Object.entries(sinks).flatMap(([sink, text]) =>
    Object.entries(SECRETS).flatMap(([how, secret]) =>
      [secret, encodeURIComponent(secret)].some((form) => text.includes(form))
        ? [`${how} in ${sink}: …${around(text, secret)}…`]
        : [],
    ),
  );
  expect(leaks).toEqual([]);
});

async function told(text: string): Promise<void> {
  await world.slack.until(`an answer with ${text}`, () =>
    world.slack
      .messages("C0OPS", "U0OLGA")
      .some((message) => message.ephemeralFor && message.text.includes(text)),
  );
}

/** Every row of every table, the queue's too. */
async function wholeJournal(): Promise<string> {
  const { rows: tables } = await world.journal.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('steward', 'steward_queue')`,
  );
  expect(tables.length).toBeGreaterThan(10);
  const texts = await Promise.all(
    tables.map(
      async ({ name }) =>
        (await world.journal.query<{ row: string }>(`select t::text as row from ${name} t`)).rows,
    ),
  );
  return texts
    .flat()
    .map(({ row }) => row)
    .join("\n");
}

/** Of Steward's home all but the backups (they hold the service's own data), the database's files and the demo's checkout. */
async function files(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /^\/?(backups|demo|postgres|data|socket)\b/.test(path.slice(folder.length + 1)))
      continue;
    found[path] = await readFile(path, "utf8").catch(() => "");
  }
  return found;
}

function around(text: string, secret: string): string {
  const at = Math.max(text.indexOf(secret), 0);
  return text.slice(Math.max(0, at - 80), at + secret.length + 20);
}
