/** Starts the parts of the sandbox one after the other, and ends them in reverse. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../config.ts";
import { StewardError } from "../errors.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../journal/embedded.ts";
import { declareSandbox } from "./declaration.ts";
import { createDemo, type Demo } from "./demo/demo.ts";
import { demoRoutes } from "./demo-routes.ts";
import { claimHome, type HomeClaim } from "./leftovers.ts";
import { type SlackStandIn, startSlack } from "./slack/server.ts";
import { superviseSteward } from "./steward-process.ts";

const DATABASE = "steward";

export interface SandboxControl {
  /** prints a line for the person who started it */
  say(line: string): void;
  stop: AbortSignal;
  /** aborted when the stop should not wait for anybody */
  hurry: AbortSignal;
}

/**
 * Runs the sandbox until `stop`; everything it started has ended when this settles. Gives the exit code.
 * Errors: `sandbox_production`, `sandbox_running`, `port_taken`, and those of the parts.
 */
export async function startSandbox(environment: Environment, control: SandboxControl): Promise<number> {
  refuseProduction(environment);
  const { say, stop } = control;
  say("SANDBOX: no Slack tokens and no steward.yml, so this is a try-out with a local stand-in for Slack.");
  say("SANDBOX: nothing leaves this machine. README.md says how to connect a real workspace.");
  if (environment.databaseUrl)
    say("SANDBOX: DATABASE_URL is left alone; the sandbox has a Postgres of its own.");

  const endings: (() => Promise<void>)[] = [];
  try {
    await mkdir(environment.home, { recursive: true });
    const claim = await claimHome(environment.home, environment.sandboxPort);
    endings.push(() => claim.release());

    let demo: Demo | undefined;
    const slack = await startStandIn(environment, () => demo);
    endings.push(() => slack.stop());
    stop.throwIfAborted();

    const postgres = await startEmbeddedPostgres({
      home: environment.home,
      log: (line) => say(`SANDBOX: ${line}`),
    });
    endings.push(() => postgres.stop());
    stop.throwIfAborted();

    await postgres.ensureDatabase(DATABASE, DATABASE);
    demo = await createDemo({
      home: environment.home,
      port: environment.shopPort,
      postgres,
      variables: environment.variables,
    });
    endings.push(() => demo?.stop() ?? Promise.resolve());
    stop.throwIfAborted();
    await startDemo(demo, environment, say);
    stop.throwIfAborted();

    return await runSteward({ environment, control, slack, postgres, demo, claim });
  } catch (error) {
    if (stop.aborted && (error as Error).name === "AbortError") return 0;
    throw error;
  } finally {
    for (const end of endings.reverse()) {
      await end().catch((error: Error) => say(`SANDBOX: ${error.message}`));
    }
  }
}

function refuseProduction(environment: Environment): void {
  if (!environment.production) return;
  throw new StewardError("sandbox_production", "The sandbox is refused under NODE_ENV=production.", {
    hint: "Set the SLACK_* tokens and write a steward.yml: README.md says how.",
  });
}

async function startStandIn(environment: Environment, demo: () => Demo | undefined): Promise<SlackStandIn> {
  const port = environment.sandboxPort;
  try {
    return await startSlack({
      port,
      statePath: join(environment.home, "slack.json"),
      pageFolder: join(import.meta.dirname, "page"),
      routes: demoRoutes(demo),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") throw portTaken("SANDBOX_PORT", port);
    throw error;
  }
}

/** A broken shop is Steward's to find, so it is no reason not to start. */
async function startDemo(demo: Demo, environment: Environment, say: (line: string) => void): Promise<void> {
  try {
    // One that outlived a killed sandbox has old settings.
    await demo.stop();
    await demo.setFault("none");
  } catch (error) {
    const { message } = error as Error;
    if (message.includes("EADDRINUSE")) throw portTaken("SHOP_PORT", environment.shopPort);
    say(`SANDBOX: ${message}`);
  }
}

async function runSteward(parts: {
  environment: Environment;
  control: SandboxControl;
  slack: SlackStandIn;
  postgres: EmbeddedPostgres;
  demo: Demo;
  claim: HomeClaim;
}): Promise<number> {
  const { environment, control, slack, postgres, demo, claim } = parts;
  const configPath = join(environment.home, "sandbox.yml");
  await writeFile(configPath, declareSandbox(demo));
  const { PATH = "" } = environment.variables;
  return superviseSteward({
    ...control,
    variables: {
      ...environment.variables,
      // pg_dump and pg_restore that fit the server
      PATH: postgres.clientFolder ? `${postgres.clientFolder}:${PATH}` : PATH,
      SLACK_API_URL: slack.apiUrl,
      SLACK_BOT_TOKEN: slack.botToken,
      SLACK_APP_TOKEN: slack.appToken,
      DATABASE_URL: postgres.url(DATABASE, DATABASE),
      STEWARD_CONFIG: configPath,
      STEWARD_HOME: environment.home,
      PORT: String(environment.port),
    },
    onStarted: (pid) => claim.record(pid),
    onFirstReady: () => control.say(`ready: open ${slack.url}`),
  });
}

function portTaken(variable: string, port: number): StewardError {
  return new StewardError(
    "port_taken",
    `Port ${port} is taken by another program; set ${variable} to a free one.`,
  );
}
