import { ack } from "./ack.ts";
import type { Bench } from "./bench.ts";
import { crash } from "./crash.ts";
import { idle } from "./idle.ts";
import { ssh } from "./ssh.ts";
import { steps } from "./steps.ts";

export const benches: readonly Bench[] = [ack, crash, idle, ssh, steps];
