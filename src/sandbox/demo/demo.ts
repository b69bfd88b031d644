/**
 * The demo: a small shop under Steward's care, with its own repository and database, that a newcomer may
 * break on purpose.
 */
import { execFile } from "node:child_process";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { StewardError } from "../../errors.ts";
import { createDatabase, type Postgres, type ShopDatabase } from "./database.ts";
import { createRepository } from "./repository.ts";
import { type DemoStatus, readStatus } from "./status.ts";

const run = promisify(execFile);

export const FAULTS = ["stop", "slow", "errors", "none"] as const;
export type Fault = (typeof FAULTS)[number];

export interface DemoOptions {
  /** STEWARD_HOME, absolute; the demo lives in its folder `demo` */
  home: string;
  port: number;
  postgres: Postgres;
  /** the environment that git and migrations run with */
  variables: Record<string, string | undefined>;
}

export interface Demo {
  url: string;
  checkout: string;
  database: ShopDatabase;
  /** what the shop's own commands (migrations) need in their environment */
  environment: Record<string, string>;
  /** the argument array that starts, stops or restarts the shop, or tells its status */
  command(action: "start" | "stop" | "restart" | "status"): string[];
  start(): Promise<void>;
  stop(): Promise<void>;
  status(): Promise<DemoStatus>;
  /** `stop` ends the shop, `slow` and `errors` spoil its answers, `none` mends all of that. */
  setFault(fault: Fault): Promise<DemoStatus>;
}

/** Creates what isn't there yet and keeps the rest; starts nothing. */
export async function createDemo(options: DemoOptions): Promise<Demo> {
  const folder = join(options.home, "demo");
  await mkdir(folder, { recursive: true });
  const { checkout } = await createRepository(folder, options.variables);
  // The shop has no dependencies to download: its Postgres client is Steward's own.
  const nodePath = dirname(dirname(dirname(import.meta.dirname)));
  const environment = { NODE_PATH: join(nodePath, "node_modules") };
  const database = await createDatabase(options.postgres, checkout, { ...options.variables, ...environment });

  const faultFile = join(folder, "fault");
  const settings = {
    checkout,
    environment: {
      ...environment,
      PORT: String(options.port),
      SHOP_DATABASE_URL: database.appUrl,
      SHOP_FAULT_FILE: faultFile,
    },
  };
  await replaceFile(join(folder, "shop.json"), JSON.stringify(settings, null, 2));

  const url = `http://localhost:${options.port}`;
  const command = (action: string): string[] => [
    process.execPath,
    join(import.meta.dirname, "ctl.js"),
    action,
    "--home",
    folder,
  ];
  const control = (action: string): Promise<void> => runControl(command(action), options.variables);
  const status = (): Promise<DemoStatus> => readStatus(url);
  return {
    url,
    checkout,
    database,
    environment: { ...environment, SHOP_ADMIN_DATABASE_URL: database.ownerUrl },
    command,
    start: () => control("start"),
    stop: () => control("stop"),
    status,
    async setFault(fault) {
      if (fault === "slow" || fault === "errors") await replaceFile(faultFile, fault);
      else await rm(faultFile, { force: true });
      await control(fault === "stop" ? "stop" : "start");
      return status();
    },
  };
}

async function runControl(
  [program = "", ...args]: string[],
  variables: DemoOptions["variables"],
): Promise<void> {
  try {
    await run(program, args, { env: variables });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new StewardError("demo_control", `The demo shop: ${stderr?.trim() || message}`, { cause: error });
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
