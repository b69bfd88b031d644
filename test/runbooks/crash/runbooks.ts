/** Runbooks for the crash tests: every command writes into a file outside Steward when it begins, while it works, and when it ends. */
import { readFileSync } from "node:fs";
import type { Deed, Runbook, Step } from "../../../src/runbooks/runbook.ts";
import { scripted } from "../house.ts";

/**
 * `begin`, a `beat` every 50 ms and `end`, each one line of its own: O_APPEND keeps them whole. What is deaf to a polite
 * end stands for commands that outlive whoever started them.
 */
const WORK = `
trap '' TERM
say() { printf '%s %s %s %s %s %s\\n' "$1" "$2" "$3" "$4" "$5" "$$" >> "$LOG"; }
LOG=$1; shift
COUNT=$1; shift
say begin "$@"
while [ "$COUNT" -gt 0 ]; do sleep 0.05; say beat "$@"; COUNT=$((COUNT - 1)); done
say end "$@"
`;

/** Twentieths of a second. */
const SHORT = 2;
const LONG = 12;

/** `mixed` succeeds unless a person has to decide; `breaking` fails at its end and is undone. */
export function crashRunbooks(log: string): Runbook[] {
  return [
    scripted("mixed", () => [
      step(log, "prepare", SHORT),
      step(log, "long", LONG),
      { ...step(log, "probed", SHORT), idempotent: false, probe: async (deed) => ended(log, deed, "probed") },
      { ...step(log, "once", SHORT), idempotent: false },
      step(log, "finish", SHORT),
    ]),
    scripted("breaking", () => [
      step(log, "prepare", SHORT),
      step(log, "long", LONG),
      {
        name: "break",
        async run() {
          throw new Error("made to fail");
        },
      },
    ]),
  ];
}

function step(log: string, name: string, count: number): Partial<Step> & Pick<Step, "name" | "run"> {
  const work = (direction: "do" | "undo") => (deed: Deed) =>
    deed.command([
      "/bin/sh",
      "-c",
      WORK,
      "sh",
      log,
      String(count),
      deed.run.service,
      String(deed.run.id),
      name,
      direction,
    ]);
  return { name, run: work("do"), takeBack: work("undo") };
}

/** What the world says, and not the journal. */
function ended(log: string, { run }: Deed, name: string): boolean {
  return readFileSync(log, "utf8").includes(`end ${run.service} ${run.id} ${name} do `);
}
