import { setTimeout as pause } from "node:timers/promises";
import type { Bench, BenchContext } from "./bench.ts";
import { type House, startHouse } from "./house.ts";
import { median, quantile, table } from "./table.ts";

const PER_SECOND = 100;
const BLOCK_SECONDS = 5;
/** Until then the compilers are at work in all three. */
const WARM_UP_ROUNDS = 3;
const MOST = 1.3;
const DRAIN_WITHIN_MS = 60_000;

type Contender = "steward" | "insert" | "bare";
const TITLES: Record<Contender, string> = {
  steward: "Steward",
  insert: "Bolt + one durable insert",
  bare: "Bolt alone",
};
const CONTENDERS = Object.keys(TITLES) as Contender[];

/** Blocks of each contender take turns, so that what else the machine does falls on all of them. */
export const ack: Bench = {
  name: "ack",
  help: "slash command acked with its intent durable, 100 a second over Socket Mode, beside bare Bolt",
  aim: `p99 <= ${MOST} x Bolt + insert`,
  async run({ long, print }: BenchContext) {
    const house = await startHouse(CONTENDERS);
    try {
      await house.startBolt("bare");
      await house.startBolt("insert", "peer");
      await house.startSteward();
      const rounds = await measure(house, long ? 24 : 6);
      const figures = CONTENDERS.map((name) => summary(rounds.map((round) => round[name])));
      print(
        table(
          ["acked by", "p50 ms", "p99 ms", "worst ms"],
          figures.map((figure, index) => [
            TITLES[CONTENDERS[index]!],
            ...[figure.p50, figure.p99, figure.worst].map((ms) => ms.toFixed(2)),
          ]),
        ),
      );
      print(
        `medians of ${rounds.length} rounds; a round is ${BLOCK_SECONDS} s at ${PER_SECOND} a second for each`,
      );
      const [steward, insert] = figures;
      const p99 = steward!.p99 / insert!.p99;
      const p50 = steward!.p50 / insert!.p50;
      return {
        figure: `p99 ${p99.toFixed(2)} x, p50 ${p50.toFixed(2)} x Bolt + insert`,
        reached: p99 <= MOST,
      };
    } finally {
      await house.close();
    }
  },
};

type Round = Record<Contender, number[]>;

/** Rounds to warm up, then `count` that count; each begins with another contender. */
async function measure(house: House, count: number): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let number = 0; number < WARM_UP_ROUNDS + count; number += 1) {
    const round = {} as Round;
    for (let turn = 0; turn < CONTENDERS.length; turn += 1) {
      const name = CONTENDERS[(number + turn) % CONTENDERS.length]!;
      round[name] = await block(house, name);
    }
    if (number >= WARM_UP_ROUNDS) rounds.push(round);
  }
  return rounds;
}

async function block(house: House, app: Contender): Promise<number[]> {
  const { ackMs, failed } = await house.type({
    app,
    text: "status",
    perSecond: PER_SECOND,
    seconds: BLOCK_SECONDS,
  });
  if (failed.length > 0)
    throw new Error(`${failed.length} commands to ${app} were not acknowledged: ${failed[0]}`);
  if (app === "steward") await drained(house);
  return ackMs;
}

/** What Steward still has to say after its block would fall on the next one's. */
async function drained({ postgres }: House): Promise<void> {
  const deadline = Date.now() + DRAIN_WITHIN_MS;
  for (;;) {
    const [left] = await postgres.query(
      "steward",
      `select (select count(*) from steward.intents where state = 'new')::int as intents,
         (select count(*) from steward.messages where state = 'live' and shown < revision)::int as messages`,
    );
    if (left?.intents === 0 && left?.messages === 0) return;
    if (Date.now() > deadline)
      throw new Error(`after its block Steward still had ${JSON.stringify(left)} to answer`);
    await pause(100);
  }
}

function summary(rounds: number[][]): { p50: number; p99: number; worst: number } {
  return {
    p50: median(rounds.map((round) => quantile(round, 0.5))),
    p99: median(rounds.map((round) => quantile(round, 0.99))),
    worst: Math.max(...rounds.flat()),
  };
}
