import { ack } from "./ack.ts";
import type { Bench } from "./bench.ts";
import { idle } from "./idle.ts";

export const benches: readonly Bench[] = [ack, idle];
