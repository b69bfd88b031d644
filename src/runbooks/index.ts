import { hotfix } from "./hotfix.ts";
import { release } from "./release.ts";
import { restart } from "./restart.ts";
import { rollback } from "./rollback.ts";
import type { Runbook } from "./runbook.ts";
import { update } from "./update.ts";

/** Every runbook that Steward brings. A new one is a file beside this one and a line here. */
export const runbooks: readonly Runbook[] = [update, rollback, hotfix, release, restart];
