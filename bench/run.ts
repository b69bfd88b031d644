/**
 * `npm run bench -- NAME [--long]`: runs one benchmark, prints its table, and last one line,
 * `NAME: figure (aim) reached` or `short`; exit code 1 when short, 2 when the command line is wrong.
 */
import { endRun } from "../test/servers/run.ts";
import type { Bench } from "./bench.ts";
import { benches } from "./index.ts";
import { describeMachine } from "./machine.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const [name, ...options] = process.argv.slice(2).sort((a, b) => Number(isOption(a)) - Number(isOption(b)));
const bench = benches.find((candidate) => candidate.name === name);
const unknown = options.find((option) => option !== "--long");

if (!name || isOption(name)) list();
else if (!bench)
  refuse(`Unknown benchmark '${name}'; known: ${benches.map((known) => known.name).join(", ")}`);
else if (unknown) refuse(`Unknown option '${unknown}'; known: --long`);
else await carryOut(bench, options.includes("--long"));

function list(): void {
  print("npm run bench -- NAME [--long]");
  for (const known of benches) print(`  ${known.name.padEnd(8)} ${known.help} (${known.aim})`);
}

function refuse(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}

/** Ctrl-C ends what was started, too: the keeper of the test servers sees that we are gone. */
async function carryOut(chosen: Bench, long: boolean): Promise<void> {
  print(`${describeMachine()}${long ? "; --long" : ""}`);
  try {
    const { figure, reached } = await chosen.run({ long, print });
    await endRun();
    print(`${chosen.name}: ${figure} (${chosen.aim}) ${reached ? "reached" : "short"}`);
    process.exitCode = reached ? 0 : 1;
  } catch (error) {
    await endRun();
    process.stderr.write(`${chosen.name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}

function isOption(word: string): boolean {
  return word.startsWith("-");
}
