import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { execa } from "execa";
import { startEmbeddedPostgres } from "../src/journal/embedded.ts";
import { openHouse, scripted } from "../test/runbooks/house.ts";
import { keep } from "../test/servers/run.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { median, table } from "./table.ts";

const STEPS = 10;
const MOST_MS = 5;
const COMMAND = ["/bin/true"];
const runFile = promisify(execFile);

/** Ten steps of one trivial command each, journaled and fenced, on a Postgres with fsync as it comes. */
export const steps: Bench = {
  name: "steps",
  help: "a step through the engine, journal included, beside plain execa and one bash script",
  aim: `<= ${MOST_MS} ms a step over execa`,
  async run({ long, print }: BenchContext) {
    const home = await mkdtemp(join(tmpdir(), "steward-steps-"));
    const postgres = await startEmbeddedPostgres({ home });
    const release = await keep("bench-steps", postgres.pid, {
      signal: "SIGINT",
      folders: [postgres.folder, home],
    });
    await postgres.ensureDatabase("steward");
    const trivial = scripted("trivial", () =>
      Array.from({ length: STEPS }, (_, index) => ({
        name: `step-${index}`,
        run: (deed) => deed.command(COMMAND),
      })),
    );
    const house = await openHouse([trivial], {
      database: { url: postgres.url("steward"), drop: async () => {} },
    });
    try {
      const took = { bash: [] as number[], execa: [] as number[], steward: [] as number[] };
      for (let round = 0; round < (long ? 60 : 15); round += 1) {
        took.bash.push(
          await timed(() => runFile("/bin/bash", ["-c", Array(STEPS).fill(COMMAND[0]).join("\n")])),
        );
        took.execa.push(await timed(tenByExeca));
        const id = await house.ask("trivial");
        await house.approve(id);
        const run = await house.until(id, ["succeeded"]);
        took.steward.push(run.endedAt!.getTime() - run.startedAt!.getTime());
      }
      const perStep = Object.entries(took).map(([name, runs]) => ({ name, ms: median(runs) / STEPS }));
      const plain = perStep.find(({ name }) => name === "execa")!.ms;
      print(
        table(
          ["ten steps", "ms a step", "beside execa"],
          perStep.map(({ name, ms }) => [name, ms.toFixed(2), `${(ms / plain).toFixed(2)} x`]),
        ),
      );
      const over = perStep.find(({ name }) => name === "steward")!.ms - plain;
      return { figure: `${over.toFixed(2)} ms a step over execa`, reached: over <= MOST_MS };
    } finally {
      await house.close();
      await postgres.stop();
      await release();
      await rm(postgres.folder, { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    }
  },
};

async function tenByExeca(): Promise<void> {
  for (let index = 0; index < STEPS; index += 1) await execa(COMMAND[0]!, []);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
