import { type Config, type Environment, loadConfig, readEnvironment } from "../../config.ts";
import { loadPlugins } from "../../plugins.ts";
import { type Finding, guarded, ok, problem, problemOf } from "./finding.ts";
import { examineFolders } from "./folders.ts";
import { examineJournal } from "./journal.ts";
import { examineSchedules } from "./schedules.ts";
import { examineService } from "./service.ts";
import { examineSlack } from "./slack.ts";

const OLDEST_NODE = 24;

/**
 * Looks at everything, changing nothing. What the config decides is looked at as far as the config can be
 * read. `secrets` are those met on the way, for whoever shows the findings.
 */
export async function examine(
  variables?: Record<string, string | undefined>,
): Promise<{ findings: Finding[]; secrets: Set<string> }> {
  const findings: Finding[] = [examineNode(process.version)];
  let environment: Environment;
  try {
    environment = readEnvironment(variables);
  } catch (error) {
    return { findings: [...findings, problemOf("Environment", error)], secrets: new Set() };
  }
  const secrets = tokensOf(environment);
  let config: Config | undefined;
  try {
    config = await loadConfig(environment, (await loadPlugins(environment)).units);
    for (const secret of config.secrets) secrets.add(secret);
    findings.push(
      ok(
        "Config",
        `${environment.configPath}; services: ${config.services.map(({ id }) => id).join(", ") || "none"}`,
      ),
    );
  } catch (error) {
    findings.push(problemOf("Config", error));
  }
  const parts = await Promise.all([
    guarded("Slack", () => examineSlack(environment, config)),
    guarded("Journal", () => examineJournal(environment)),
    guarded("Folders", () => examineFolders(environment, config)),
    ...(config?.services ?? []).map((service) =>
      guarded(service.id, () => examineService(service, environment, config!)),
    ),
    ...(config ? [guarded("Schedules", async () => examineSchedules(config.schedules))] : []),
  ]);
  return { findings: [...findings, ...parts.flat()], secrets };
}

function examineNode(version: string): Finding {
  return Number(/^v(\d+)/.exec(version)?.[1]) >= OLDEST_NODE
    ? ok("Node", version)
    : problem("Node", version, `Start it through \`npm start\`, or install Node ${OLDEST_NODE} or newer.`);
}

function tokensOf({ slack, databaseUrl }: Environment): Set<string> {
  const { botToken, appToken, signingSecret } = slack;
  const password = /:\/\/[^/?#:@]*:([^/?#]*)@/.exec(databaseUrl ?? "")?.[1];
  return new Set([botToken, appToken, signingSecret, password].filter((value) => value !== undefined));
}
