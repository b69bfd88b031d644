import type { Command } from "./command.ts";
import { doctor } from "./doctor.ts";
import { init } from "./init.ts";
import { version } from "./version.ts";

/** Every command but `help`, and `start`, which bin/steward.js turns into src/main.ts or the sandbox. */
export const commands: readonly Command[] = [doctor, init, version];
