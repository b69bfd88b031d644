/**
 * `npm start` without tokens and config: a whole world on this machine, with a local stand-in for Slack, a
 * demo service, a real Postgres, and Steward connected to them in the same way as to the real ones.
 */
import { readEnvironment } from "../config.ts";
import { StewardError } from "../errors.ts";
import { startSandbox } from "./sandbox.ts";

/** npm passes Ctrl-C on to a process that the terminal has told already: one press comes twice. */
const SAME_PRESS_MS = 300;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const stop = new AbortController();
const hurry = new AbortController();
let pressedAt = 0;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    const again = Date.now() - pressedAt > SAME_PRESS_MS && stop.signal.aborted;
    pressedAt = Date.now();
    if (again) hurry.abort();
    else if (!stop.signal.aborted) say("SANDBOX: stopping (press again to hurry)");
    stop.abort();
  });
}

try {
  process.exitCode = await startSandbox(readEnvironment(), { say, stop: stop.signal, hurry: hurry.signal });
} catch (error) {
  const { message, hint } =
    error instanceof StewardError ? error : { message: String(error), hint: undefined };
  process.stderr.write(`${message}${hint ? `\n${hint}` : ""}\n`);
  process.exitCode = error instanceof StewardError && error.code === "sandbox_production" ? 2 : 1;
}
