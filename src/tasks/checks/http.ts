import { z } from "zod";
import type { Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import type { Json } from "../../journal/types.ts";
import { type Probe, probe, showUrl } from "../../targets/http.ts";
import type { Check, Measured } from "./check.ts";
import { atPath, parseJson, showJson } from "./json-path.ts";
import { judge, latencyThresholds, seconds } from "./threshold.ts";

const params = z.object({
  url: z.url().optional().describe("default: the service's health.url"),
  status: z.number().int().min(100).max(599).optional().describe("default: the service's health.status, 200"),
  body: z.string().optional().describe("text that the body must contain"),
  json: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe("exact values by path, such as {status: healthy, database.ok: true}"),
  ...latencyThresholds(1, 3),
});
type Params = z.output<typeof params>;

export const http: Check<typeof params> = {
  type: "http",
  title: "HTTP",
  help: "One GET over a fresh connection: status, latency, and what the body must say.",
  component: "application",
  params,
  async measure({ service, params, signal, timeoutMs }) {
    const expected = expectation(service, params);
    try {
      const answer = await probe(expected.url, { timeoutMs, signal });
      return judgeAnswer(answer, expected, params);
    } catch (error) {
      // not to be reached is what this check is there to find
      if (error instanceof StewardError) return critical(error.message, null, { error: error.code });
      throw error;
    }
  },
};

interface Expectation {
  url: string;
  status: number;
  body: string | undefined;
  json: Record<string, string | number | boolean>;
}

/** The service's health is what is expected of its own URL; another URL gets only what its check says. */
function expectation({ health }: Service, params: Params): Expectation {
  const url = params.url ?? health?.url;
  if (!url)
    throw new StewardError(
      "check_incomplete",
      "an http check needs a url, its own or the service's health.url",
    );
  const own = health?.url === url ? health : undefined;
  return {
    url,
    status: params.status ?? own?.status ?? 200,
    body: params.body ?? own?.body,
    json: params.json ?? own?.json ?? {},
  };
}

function judgeAnswer(answer: Probe, expected: Expectation, params: Params): Measured {
  const what = `GET ${showUrl(expected.url)}`;
  const latency = answer.latencyMs / 1000;
  const evidence = { status: answer.status };
  if (answer.status !== expected.status) {
    return critical(`${what} ${answer.status}, expected ${expected.status}`, latency, evidence);
  }
  if (expected.body !== undefined && !answer.body.includes(expected.body)) {
    return critical(
      `${what} ${answer.status}, but the body lacks ${showJson(expected.body)}`,
      latency,
      evidence,
    );
  }
  const wrong = firstDifference(answer, expected.json);
  if (wrong) return critical(`${what} ${answer.status}, but ${wrong}`, latency, evidence);
  return {
    ...judge(`${what} ${answer.status} in`, latency, params, seconds),
    value: latency,
    unit: "s",
    evidence,
  };
}

function firstDifference(answer: Probe, json: Expectation["json"]): string | undefined {
  const wanted = Object.entries(json);
  if (wanted.length === 0) return undefined;
  const document = parseJson(answer.body);
  if (document === undefined)
    return answer.truncated
      ? "the body is longer than 64 KiB and cannot be read as JSON"
      : "the body is not JSON";
  for (const [path, value] of wanted) {
    const found = atPath(document, path);
    if (found !== value) return `${path} is ${showJson(found)}, expected ${showJson(value)}`;
  }
  return undefined;
}

function critical(summary: string, value: number | null, evidence: Record<string, Json>): Measured {
  return { state: "critical", summary: `${summary} (critical)`, value, unit: "s", evidence };
}
