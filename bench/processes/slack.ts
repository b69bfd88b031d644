/**
 * The stand-in for Slack and the people who type, in a process of their own: one stand-in for each app that
 * is measured, named by the arguments. Talks with its parent by messages.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type SlackStandIn, startSlack } from "../../src/sandbox/slack/server.ts";

/** Told once, when all stand-ins listen. */
export interface Listening {
  apps: Record<string, { apiUrl: string; botToken: string; appToken: string }>;
}

/** Asks for one block: `perSecond` commands a second for `seconds`, whether acknowledged or not. */
export interface Block {
  app: string;
  text: string;
  perSecond: number;
  seconds: number;
}

/** What became of a block: the time to each ack in ms, in the order of sending, and the commands that failed. */
export interface BlockResult {
  ackMs: number[];
  failed: string[];
}

const PEOPLE = ["U0OLGA", "U0AMIR"];
const apps = new Map<string, SlackStandIn>();
for (const name of process.argv.slice(2)) apps.set(name, await startSlack({ port: 0 }));

process.on("message", (block: Block) => void carryOut(block).then((result) => process.send?.(result)));
process.on("disconnect", () => process.exit());
const listening: Listening = {
  apps: Object.fromEntries(
    [...apps].map(([name, { apiUrl, botToken, appToken }]) => [name, { apiUrl, botToken, appToken }]),
  ),
};
process.send?.(listening);

/** By the clock and not by the answers: an app that is slow gets no fewer commands. */
async function carryOut({ app, text, perSecond, seconds }: Block): Promise<BlockResult> {
  const slack = apps.get(app);
  if (!slack) throw new Error(`no stand-in '${app}'; there are: ${[...apps.keys()].join(", ")}`);
  const start = performance.now();
  const sent: ReturnType<SlackStandIn["command"]>[] = [];
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const dueInMs = start + (index * 1_000) / perSecond - performance.now();
    if (dueInMs > 0) await pause(dueInMs);
    sent.push(slack.command(PEOPLE[index % PEOPLE.length]!, "C0OPS", "/ops", text));
  }
  const results = await Promise.all(sent);
  return {
    ackMs: results.flatMap((result) => (result.ok ? [result.ackMs ?? 0] : [])),
    failed: results.flatMap((result) => (result.ok ? [] : [result.error ?? "no ack"])),
  };
}
