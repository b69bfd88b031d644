import { z } from "zod";
import { StewardError } from "../../errors.ts";
import { measurePostgres } from "../../targets/postgres.ts";
import type { Check, Measured } from "./check.ts";
import { judge, percent, percentThresholds } from "./threshold.ts";

const params = z.object(percentThresholds(70, 90));

export const postgres: Check<typeof params> = {
  type: "postgres",
  title: "Postgres",
  help: "Whether the service's database answers, and how many of its connections are in use.",
  component: "database",
  params,
  async measure({ service, params, timeoutMs }): Promise<Measured> {
    if (!service.database)
      throw new StewardError("check_incomplete", "a postgres check needs the service's database.url");
    try {
      const { version, connections, maxConnections, latencyMs } = await measurePostgres(
        service.database.monitor ?? service.database.url,
        timeoutMs,
      );
      const used = (100 * connections) / maxConnections;
      return {
        ...judge("postgres connections", used, params, percent, ` (${connections} of ${maxConnections})`),
        value: used,
        unit: "%",
        evidence: { version, connections, maxConnections, latencyMs: Math.round(latencyMs * 10) / 10 },
      };
    } catch (error) {
      // a refused login tells of our own password, not of the server's health
      if (!(error instanceof StewardError) || error.code === "postgres_login") throw error;
      return {
        state: "critical",
        summary: `${error.message} (critical)`,
        value: null,
        unit: "%",
        evidence: { error: error.code },
      };
    }
  },
};
