import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { parse } from "yaml";
import { parseConfig, readEnvironment } from "../config.ts";
import { StewardError } from "../errors.ts";
import { createRedact } from "../redact.ts";
import { localHost } from "../targets/host.ts";
import { checkUnits } from "../tasks/checks/index.ts";
import { taskNames } from "../tasks/index.ts";
import { type Command, readOptions } from "./command.ts";
import { type Answers, askAll } from "./init/ask.ts";
import { lookAtDatabase } from "./init/database.ts";
import { draftConfig, type Facts } from "./init/draft.ts";
import { findUnit, lookAtRepository } from "./init/host.ts";
import { presentFacts } from "./init/present.ts";
import { lookAtUrl } from "./init/url.ts";

export const init: Command = {
  name: "init",
  usage:
    "init [--url URL] [--database URL|env:NAME] [--repository PATH] [--name NAME] [--output steward.yml] [--force]",
  help: "Looks at a service (its URL, checkout, database) and writes a config that observes it. Without options it asks.",
  async run(args, terminal) {
    const { output, force, ...given } = readOptions(init, args, {
      url: { type: "string" },
      database: { type: "string" },
      repository: { type: "string" },
      name: { type: "string" },
      output: { type: "string", default: "steward.yml" },
      force: { type: "boolean", default: false },
    });
    const path = resolve(output);
    if (existsSync(path) && !force)
      throw new StewardError("config_exists", `${path} is there already`, {
        hint: "Give another --output, or --force to write over it.",
      });
    const answers = given.url === undefined && terminal.interactive ? await askAll(given, terminal) : given;
    if (answers.url === undefined)
      throw new StewardError("bad_usage", "init needs the service's --url", {
        hint: `Usage: steward ${init.usage}`,
      });

    const variables = readEnvironment().variables;
    const facts = await lookAtAll({ ...answers, url: answers.url }, variables);
    const text = draftConfig(facts);
    assertLoads(text, path, facts, variables);
    await writeFile(path, text, { flag: force ? "w" : "wx" });
    terminal.write(presentFacts(facts, path));
    return 0;
  },
};

async function lookAtAll(
  answers: Answers & { url: string },
  variables: Record<string, string | undefined>,
): Promise<Facts> {
  const host = localHost({ redact: createRedact([]), environment: variables });
  const name = serviceName(answers);
  const [url, repository, unit, database] = await Promise.all([
    lookAtUrl(answers.url),
    answers.repository === undefined ? null : lookAtRepository(resolve(answers.repository), host),
    findUnit(name, host),
    answers.database === undefined ? null : lookAtDatabase(answers.database, name, variables),
  ]);
  return {
    name,
    url,
    repository,
    unit,
    database,
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  };
}

/** The name given, else that of the checkout's folder, else of the URL's host. */
function serviceName({ name, repository, url }: Answers & { url: string }): string {
  const from = name ?? (repository === undefined ? hostOf(url) : basename(resolve(repository)));
  const clean = from
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
  if (name !== undefined && clean !== name)
    throw new StewardError("bad_usage", `'${name.slice(0, 60)}' is no service's name`, {
      hint: "Allowed: lower-case letters, digits and -, at most 40.",
    });
  return clean || "service";
}

function hostOf(url: string): string {
  const host = URL.canParse(url) ? new URL(url).hostname : "";
  return /^(localhost|[\d.]+|\[.*)$/.test(host) ? "service" : host.split(".")[0]!;
}

/** What is written must load: whoever starts with it should not begin with a list of problems. */
function assertLoads(
  text: string,
  path: string,
  facts: Facts,
  variables: Record<string, string | undefined>,
): void {
  const missing = facts.database?.variable;
  // a variable that is still to be set stands for a URL here
  const complete =
    missing === undefined ? variables : { ...variables, [missing]: "postgres://host/database" };
  const environment = readEnvironment({ ...complete, STEWARD_CONFIG: path, STEWARD_HOME: dirname(path) });
  parseConfig(parse(text), environment, { checks: checkUnits(), tasks: taskNames() }, path);
}
