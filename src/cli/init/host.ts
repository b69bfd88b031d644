import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StewardError } from "../../errors.ts";
import type { Host } from "../../targets/host.ts";

/** A suggested command; `sure` when the checkout itself says so. */
export interface Suggestion {
  command: string[];
  sure: boolean;
}

export interface RepositoryFacts {
  path: string;
  remote: string | null;
  /** such as `v{version}`; null when no tag looks like a release */
  tag: string | null;
  newest: string | null;
  migrations: string | null;
  commands: { install?: Suggestion; test?: Suggestion; migrate?: Suggestion };
  found: string;
}

const TIMEOUT_MS = 10_000;

/** Looks at a checkout: where it comes from, how its releases are tagged, what it is made with. */
export async function lookAtRepository(path: string, host: Host): Promise<RepositoryFacts> {
  const git = async (...args: string[]) => {
    const result = await host
      .run(["git", "-c", `safe.directory=${path}`, "-C", path, ...args], {
        timeoutMs: TIMEOUT_MS,
        env: { LC_ALL: "C" },
      })
      .catch(() => undefined);
    return result?.exitCode === 0 ? result.output.trim().split("\n").filter(Boolean) : undefined;
  };
  if ((await git("rev-parse", "--is-inside-work-tree"))?.[0] !== "true") {
    throw new StewardError("bad_usage", `${path} is no git checkout that git can read`, {
      hint: "--repository wants the folder that the service runs from, if that is a clone of its repository.",
    });
  }
  const remotes = (await git("remote")) ?? [];
  const remote = remotes.includes("origin") ? "origin" : (remotes[0] ?? null);
  const tags = (await git("tag", "--sort=-version:refname")) ?? [];
  const { pattern, newest } = releasePattern(tags);
  return {
    path,
    remote,
    tag: pattern,
    newest,
    migrations:
      ["migrations", "alembic/versions", "db/migrate", "prisma/migrations"].find((folder) =>
        existsSync(join(path, folder)),
      ) ?? null,
    commands: await suggestCommands(path),
    found: [
      path,
      remote ? `remote ${remote}` : "no remote",
      pattern ? `releases tagged ${pattern}, newest ${newest}` : "no release tags",
    ].join(", "),
  };
}

/** A systemd unit of that name, if this host has one. */
export async function findUnit(name: string, host: Host): Promise<string | null> {
  const listed = await host
    .run(["systemctl", "list-unit-files", "--no-legend", "--plain", "--", `${name}.service`], {
      timeoutMs: TIMEOUT_MS,
    })
    .catch(() => undefined);
  return listed?.exitCode === 0 && listed.output.startsWith(`${name}.service`) ? name : null;
}

/** The prefix that most tags with a version share; `newest` is the first of its versions in the given order. */
function releasePattern(tags: readonly string[]): { pattern: string | null; newest: string | null } {
  const byPrefix = new Map<string, string[]>();
  for (const tag of tags) {
    const [, prefix, version] = /^([\w./-]*?)(\d+\.\d+[\w.+-]*)$/.exec(tag) ?? [];
    if (prefix === undefined || version === undefined) continue;
    byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), version]);
  }
  const [most] = [...byPrefix].sort(([, a], [, b]) => b.length - a.length);
  return most ? { pattern: `${most[0]}{version}`, newest: most[1][0]! } : { pattern: null, newest: null };
}

async function suggestCommands(path: string): Promise<RepositoryFacts["commands"]> {
  const has = (file: string) => existsSync(join(path, file));
  const commands: RepositoryFacts["commands"] = {};
  if (has("package.json")) {
    const { scripts = {} } = (await readJson(join(path, "package.json"))) as {
      scripts?: Record<string, string>;
    };
    commands.install = has("package-lock.json")
      ? { command: ["npm", "ci"], sure: true }
      : { command: ["npm", "install"], sure: false };
    if (scripts.test) commands.test = { command: ["npm", "test"], sure: false };
    if (scripts.migrate) commands.migrate = { command: ["npm", "run", "migrate"], sure: false };
  }
  if (has("requirements.txt")) {
    const pip = has(".venv/bin/pip")
      ? join(path, ".venv/bin/pip")
      : has("venv/bin/pip")
        ? join(path, "venv/bin/pip")
        : undefined;
    commands.install ??= {
      command: [pip ?? "pip", "install", "--requirement", "requirements.txt"],
      sure: pip !== undefined,
    };
    if (has("tests") || has("pytest.ini")) commands.test ??= { command: ["pytest"], sure: false };
  }
  if (has("alembic.ini")) commands.migrate ??= { command: ["alembic", "upgrade", "head"], sure: false };
  if (has("manage.py")) commands.migrate ??= { command: ["python", "manage.py", "migrate"], sure: false };
  return commands;
}

async function readJson(path: string): Promise<object> {
  try {
    return JSON.parse(await readFile(path, "utf8")) ?? {};
  } catch {
    return {};
  }
}
