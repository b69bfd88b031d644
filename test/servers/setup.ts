/** Vitest's global setup: one run, whose servers are started by the first test that asks for them. */
import { endRun, startRun } from "./run.ts";

export default async function setup(): Promise<() => Promise<void>> {
  await startRun();
  return endRun;
}
