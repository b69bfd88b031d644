/** What the benchmarks put their contenders into: a durable Postgres, the demo shop, stand-ins for Slack. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/journal/embedded.ts";
import { declareSandbox } from "../src/sandbox/declaration.ts";
import { createDemo } from "../src/sandbox/demo/demo.ts";
import { freePort, keep } from "../test/servers/run.ts";
import type { Block, BlockResult, Listening } from "./processes/slack.ts";

const ROOT = join(import.meta.dirname, "..");
const SLACK = join(import.meta.dirname, "processes/slack.ts");
const BOLT = join(import.meta.dirname, "processes/bolt.js");

export interface House {
  /** with fsync on, as a real one */
  postgres: EmbeddedPostgres;
  /** Has people type commands into the stand-in of that app. */
  type(block: Block): Promise<BlockResult>;
  /** Steward as `npm start` runs it, with the sandbox's config, connected to the stand-in of the app `steward`. */
  startSteward(): Promise<App>;
  /** A bare Bolt app; `insertInto` is the database of its one insert. */
  startBolt(app: string, insertInto?: string): Promise<App>;
  close(): Promise<void>;
}

export interface App {
  pid: number;
  stop(): Promise<void>;
}

/** Starts everything but the contenders, `apps` of which get a stand-in each. */
export async function startHouse(apps: readonly string[]): Promise<House> {
  const home = await mkdtemp(join(tmpdir(), "steward-bench-"));
  const postgres = await startEmbeddedPostgres({ home });
  const release = await keep("bench-postgres", postgres.pid, {
    signal: "SIGINT",
    folders: [postgres.folder, home],
  });
  await postgres.ensureDatabase("steward", "steward");
  const demo = await createDemo({ home, port: await freePort(), postgres, variables: process.env });
  await demo.start();
  await writeFile(join(home, "steward.yml"), declareSandbox(demo));
  const slack = await startStandIns(apps);
  const started: App[] = [];
  const start = async (name: string, command: string[], ready: RegExp, variables: NodeJS.ProcessEnv) => {
    const app = await startApp(name, command, ready, { ...slack.variablesFor(name), ...variables });
    started.push(app);
    return app;
  };

  return {
    postgres,
    type: (block) => slack.type(block),
    startSteward: async () =>
      start("steward", await startArguments(), /^steward ready/, {
        DATABASE_URL: postgres.url("steward", "steward"),
        STEWARD_CONFIG: join(home, "steward.yml"),
        STEWARD_HOME: home,
        PORT: String(await freePort()),
      }),
    startBolt: async (app, insertInto) => {
      if (insertInto) await postgres.ensureDatabase(insertInto, insertInto);
      return await start(app, [BOLT], /^bolt ready/, {
        ...(insertInto ? { DATABASE_URL: postgres.url(insertInto, insertInto) } : {}),
      });
    },
    async close() {
      await Promise.all(started.map((app) => app.stop()));
      await slack.stop();
      await demo.stop();
      await postgres.stop();
      await release();
      for (const folder of [postgres.folder, home]) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What package.json has `npm start` give to Node. */
async function startArguments(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    scripts: { start: string };
  };
  const [program, ...rest] = scripts.start.split(" ");
  if (program !== "node") throw new Error(`npm start is no plain node command: ${scripts.start}`);
  return rest;
}

/** One process that holds all stand-ins and those who type. */
async function startStandIns(apps: readonly string[]) {
  const child = fork(SLACK, apps, { detached: true });
  const forget = await keep("bench-slack", child.pid!);
  const answer = async () => {
    const ended = new AbortController();
    const gone = once(child, "exit", { signal: ended.signal }).then(([code]) => {
      throw new Error(`the stand-in for Slack ended with ${code}`);
    });
    try {
      return (await Promise.race([once(child, "message", { signal: ended.signal }), gone]))[0] as unknown;
    } finally {
      ended.abort();
      await gone.catch(() => {});
    }
  };
  const { apps: listening } = (await answer()) as Listening;
  return {
    variablesFor(app: string): NodeJS.ProcessEnv {
      const { apiUrl, botToken, appToken } = listening[app]!;
      return { SLACK_API_URL: apiUrl, SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken };
    },
    async type(block: Block): Promise<BlockResult> {
      child.send(block);
      return (await answer()) as BlockResult;
    },
    async stop() {
      await end(child);
      await forget();
    },
  };
}

/** Settles when the process says on its standard output that it is ready. */
async function startApp(
  name: string,
  command: string[],
  ready: RegExp,
  variables: NodeJS.ProcessEnv,
): Promise<App> {
  // nothing of the one who runs the benchmark: its own settings of Steward would be measured with it
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { PATH, HOME, TMPDIR, LOG_LEVEL: "warn", ...variables },
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const forget = await keep(`bench-${name}`, child.pid!);
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on("line", (line) => ready.test(line) && resolve());
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
  });
  return {
    pid: child.pid!,
    async stop() {
      await end(child);
      await forget();
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
