/** Starts Steward and ends it on a signal: the wiring is in steward.ts. The only process.exit beside the CLI's. */
import { loadConfig, readEnvironment } from "./config.ts";
import { StewardError } from "./errors.ts";
import { createLog } from "./log.ts";
import { loadPlugins } from "./plugins.ts";
import { createRedact } from "./redact.ts";
import { type Steward, startSteward } from "./steward.ts";

/** A stop that takes longer than this is no orderly one any more: what is left is taken over by the next start. */
const STOP_WITHIN_MS = 20_000;

try {
  const environment = readEnvironment();
  const { units, runbooks } = await loadPlugins(environment);
  const config = await loadConfig(environment, units);
  const redact = createRedact(config.secrets);
  const log = createLog(environment.logLevel, redact);
  const steward = await startSteward(environment, config, runbooks, log, redact);
  endOnSignal(steward, (error) => log.error({ err: error }, "could not stop in order"));
  const services = config.services.map((service) => service.id).join(", ") || "no service yet";
  process.stdout.write(`steward ready: watching ${services}\n`);
} catch (error) {
  const { code, message, hint } =
    error instanceof StewardError
      ? error
      : { code: "internal", message: String((error as Error).stack ?? error), hint: undefined };
  process.stderr.write(`steward: ${message}${hint ? `\n${hint}` : ""}\n`);
  process.exit(/^(config|plugin)_/.test(code) ? 2 : 1);
}

function endOnSignal(steward: Steward, onError: (error: unknown) => void): void {
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    steward.stop().then(
      () => process.exit(0),
      (error) => {
        onError(error);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
