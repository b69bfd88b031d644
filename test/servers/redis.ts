/** A real Redis for tests: TEST_REDIS_URL if given, else an installed redis-server, else apt's. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { findOrInstall, programPath } from "./apt.ts";
import { freePort, keep, runFolder } from "./run.ts";

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
}

/** Starts an empty Redis of its own on loopback; with TEST_REDIS_URL that one, which stop() leaves alone. */
export async function redisServer(): Promise<TestRedis> {
  const given = process.env.TEST_REDIS_URL;
  if (given) return { url: given, stop: async () => {} };
  const program = await findOrInstall("Redis", ["redis-server"], () =>
    programPath("redis-server", "valkey-server"),
  );
  const folder = await mkdtemp(join(await runFolder(), "redis-"));
  const port = await freePort();
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "no",
  ];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let output = "";
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`redis-server ended with ${code}: ${output.slice(-1000)}`)),
    );
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (/ready to accept connections/i.test(output)) resolve();
    });
  });
  const release = await keep("redis", child.pid!, { folders: [folder] });
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
      await release();
    },
  };
}
