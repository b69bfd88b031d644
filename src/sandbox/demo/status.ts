/** How the demo shop is doing, for the sandbox's page. */
import { setTimeout as pause } from "node:timers/promises";

/** Over this the shop counts as slow; well under the fault's four seconds. */
const SLOW_AFTER_MS = 1500;

export interface DemoStatus {
  name: "shop";
  url: string;
  /** null while the shop does not say */
  version: string | null;
  state: "healthy" | "unhealthy" | "slow" | "errors" | "down";
  features: string[];
  orders: number | null;
  /** one sentence for people */
  detail: string;
}

/** Asks the shop itself; takes `SLOW_AFTER_MS` at most. */
export async function readStatus(url: string): Promise<DemoStatus> {
  const unknown: Omit<DemoStatus, "state" | "detail"> = {
    name: "shop",
    url,
    version: null,
    features: [],
    orders: null,
  };
  const cancel = new AbortController();
  try {
    const answers = Promise.all([ask(`${url}/health`, cancel.signal), ask(`${url}/about`, cancel.signal)]);
    const first = await Promise.race([
      answers,
      pause(SLOW_AFTER_MS, null, { signal: cancel.signal, ref: false }),
    ]);
    if (first === null) {
      answers.catch(() => {});
      return { ...unknown, state: "slow", detail: `No answer within ${SLOW_AFTER_MS / 1000} s.` };
    }
    const [health, about] = first;
    const known = { ...unknown, ...served(health.body, about.body) };
    if (health.status === 200) return { ...known, state: "healthy", detail: "All is well." };
    if (health.body.status === "unhealthy") {
      return {
        ...known,
        state: "unhealthy",
        detail: `Says itself: ${String(health.body.reason ?? "unhealthy")}.`,
      };
    }
    return { ...known, state: "errors", detail: `Answers with status ${health.status}.` };
  } catch {
    return { ...unknown, state: "down", detail: "Nobody answers: the shop does not run." };
  } finally {
    cancel.abort();
  }
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function ask(url: string, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, { signal });
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  return { status: response.status, body };
}

function served(
  health: Answer["body"],
  about: Answer["body"],
): Pick<DemoStatus, "version" | "features" | "orders"> {
  const version = about.version ?? health.version;
  return {
    version: typeof version === "string" ? version : null,
    features: Array.isArray(about.features) ? about.features.map(String) : [],
    orders: typeof about.orders === "number" ? about.orders : null,
  };
}
