import { z } from "zod";
import { StewardError } from "../../errors.ts";
import { probe } from "../../targets/http.ts";
import type { Check } from "./check.ts";
import { atPath, parseJson, showJson } from "./json-path.ts";

const params = z.object({
  url: z.url().optional().describe("default: the service's health.url"),
  path: z
    .string()
    .min(1)
    .optional()
    .describe("where the version stands in the JSON, default: the service's health.version"),
});

export const version: Check<typeof params> = {
  type: "version",
  title: "Version",
  help: "The version that the running service names; `evidence.version` holds it.",
  component: "application",
  params,
  async measure({ service, params, signal, timeoutMs }) {
    const url = params.url ?? service.health?.url;
    const path = params.path ?? service.health?.version;
    if (!url || !path)
      throw new StewardError("check_incomplete", "a version check needs health.url and health.version");
    const { body } = await probe(url, { timeoutMs, signal });
    const found = atPath(parseJson(body) ?? null, path);
    if ((typeof found !== "string" && typeof found !== "number") || found === "") {
      return {
        state: "unknown",
        summary: `version not named: ${path} is ${showJson(found)}`,
        value: null,
        unit: "",
      };
    }
    const running = String(found).slice(0, 64);
    return {
      state: "ok",
      summary: `version ${running}`,
      value: null,
      unit: "",
      evidence: { version: running },
    };
  },
};
