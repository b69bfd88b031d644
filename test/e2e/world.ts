/** A whole world for end-to-end tests: the stand-in for Slack, a Postgres, the demo shop, and replicas of Steward. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { parse, stringify } from "yaml";
import { startEmbeddedPostgres } from "../../src/journal/embedded.ts";
import { declareSandbox } from "../../src/sandbox/declaration.ts";
import { createDemo, type Demo } from "../../src/sandbox/demo/demo.ts";
import { type SlackStandIn, startSlack } from "../../src/sandbox/slack/server.ts";
import type { Message } from "../../src/sandbox/slack/types.ts";
import { freePort, keep } from "../servers/run.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

export interface Replica {
  process: ChildProcess;
  /** what it wrote, both streams */
  output(): string;
  /** ends it as a crash would */
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

export interface World {
  slack: SlackStandIn;
  demo: Demo;
  /** the journal, to look at from outside */
  journal: pg.Pool;
  shop: pg.Pool;
  startReplica(): Promise<Replica>;
  ops(user: string, text: string, channel?: string): Promise<void>;
  /** the newest root message in #ops whose text matches */
  card(text: RegExp, channel?: string): Promise<Message>;
  press(user: string, message: Message, actionId: string): Promise<void>;
  close(): Promise<void>;
}

export async function startWorld(
  tweak: (config: Record<string, unknown>) => void = () => {},
): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), "steward-e2e-"));
  const postgres = await startEmbeddedPostgres({ home, settings: { fsync: "off" } });
  const release = await keep("e2e-postgres", postgres.pid, {
    signal: "SIGINT",
    folders: [postgres.folder, home],
  });
  await postgres.ensureDatabase("steward", "steward");
  const demo = await createDemo({ home, port: await freePort(), postgres, variables: process.env });
  await demo.start();
  const slack = await startSlack({ port: 0 });
  const config = parse(declareSandbox(demo)) as Record<string, unknown>;
  tweak(config);
  await writeFile(join(home, "steward.yml"), stringify(config));
  const journal = new pg.Pool({
    connectionString: postgres.url("steward"),
    options: "-c search_path=steward",
    max: 2,
  });
  const shop = new pg.Pool({
    connectionString: postgres.url("shop"),
    max: 2,
    // a superuser's idle session would be in the way of a restore
    idleTimeoutMillis: 1,
  });
  // both are ended by the server at a restore or at the close
  for (const pool of [journal, shop]) pool.on("error", () => {});
  const replicas: Replica[] = [];

  const card = (text: RegExp, channel = "C0OPS") =>
    slack.until(
      `a message that matches ${text}`,
      () => slack.messages(channel).findLast((message) => !message.threadTs && text.test(message.text)),
      60_000,
    );
  return {
    slack,
    demo,
    journal,
    shop,
    async startReplica() {
      const replica = await spawnReplica({
        ...process.env,
        PATH: postgres.clientFolder ? `${postgres.clientFolder}:${process.env.PATH}` : process.env.PATH,
        SLACK_API_URL: slack.apiUrl,
        SLACK_BOT_TOKEN: slack.botToken,
        SLACK_APP_TOKEN: slack.appToken,
        DATABASE_URL: postgres.url("steward", "steward"),
        STEWARD_CONFIG: join(home, "steward.yml"),
        STEWARD_HOME: home,
        PORT: String(await freePort()),
      });
      replicas.push(replica);
      return replica;
    },
    async ops(user, text, channel = "C0OPS") {
      const result = await slack.command(user, channel, "/ops", text);
      if (!result.ok) throw new Error(`/ops ${text}: ${result.error}`);
    },
    card,
    async press(user, message, actionId) {
      const result = await slack.click(user, message.channel, message.ts, actionId);
      if (!result.ok) throw new Error(`${actionId}: ${result.error}`);
    },
    async close() {
      for (const replica of replicas) await replica.stop();
      await journal.end();
      await shop.end();
      await demo.stop();
      await slack.stop();
      await postgres.stop();
      await release();
      await rm(postgres.folder, { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function spawnReplica(env: NodeJS.ProcessEnv): Promise<Replica> {
  const child = spawn(process.execPath, [MAIN], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const forget = await keep("e2e-steward", child.pid!);
  let output = "";
  const exited = once(child, "exit").then(async ([code]) => {
    await forget();
    return code as number | null;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      output += `${line}\n`;
      if (line.startsWith("steward ready")) resolve();
    });
    void exited.then((code) =>
      reject(new Error(`Steward ended with ${code} before it was ready:\n${output}`)),
    );
  });
  await ready;
  return {
    process: child,
    output: () => output,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      return await exited;
    },
  };
}
