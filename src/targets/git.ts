import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { nearest, StewardError } from "../errors.ts";
import type { Host } from "./host.ts";

/** A service's repository: its checkout, and Steward's own mirror of where it comes from. */
export interface Repository {
  /** where the checkout lies */
  host: Host;
  /** Steward's own machine, where the mirror lies, if that is another one */
  here?: Host;
  /** the service's checkout; planning never writes there */
  path: string;
  /** Steward's own bare mirror */
  mirror: string;
  remote: string;
  /** such as `v{version}` */
  tag: string;
}

export interface Commit {
  id: string;
  subject: string;
}

const TIMEOUT_MS = 120_000;
const FETCH_TRIES = 10;

/**
 * Brings the mirror up to date with the checkout's remote, tags that were moved or deleted included. Several
 * callers at once are in order, as is what a crash left of a mirror. Throws `git_failed` with git's own words.
 */
export async function fetchMirror(repository: Repository): Promise<void> {
  const url = await git(repository, ["-C", repository.path, "remote", "get-url", repository.remote]);
  if (repository.here && !namesAnotherHost(url)) {
    throw new StewardError(
      "git_failed",
      `The remote ${repository.remote} of ${repository.path} is '${url.slice(0, 200)}': a path on ${repository.host.name}, which cannot be fetched from here`,
      { hint: "Give the remote a URL that both machines reach, such as ssh:// or https://." },
    );
  }
  await mkdir(dirname(repository.mirror), { recursive: true });
  for (let tries = 1; ; tries += 1) {
    try {
      await git(repository, ["init", "--quiet", "--bare", "--template=", "--", repository.mirror]);
      await git(repository, [
        "--git-dir",
        repository.mirror,
        "fetch",
        "--quiet",
        "--prune",
        "--force",
        "--",
        url,
        "+refs/*:refs/*",
      ]);
      return;
    } catch (error) {
      // another plan fetches into the same mirror: git waits for nobody's lock
      if (tries >= FETCH_TRIES || !/lock|exists/i.test((error as Error).message)) throw error;
      await pause(100 * tries);
    }
  }
}

/** The newest release; one before a release, such as 1.3.0-rc.1, only where there is no other. */
export function newestRelease(versions: readonly string[]): string | undefined {
  return versions.find((version) => !version.includes("-")) ?? versions[0];
}

/** Every released version in the mirror, newest tag first. */
export async function listVersions(repository: Repository): Promise<string[]> {
  const [before, after] = repository.tag.split("{version}") as [string, string];
  const tags = await git(repository, [
    "--git-dir",
    repository.mirror,
    "for-each-ref",
    "--sort=-creatordate",
    "--sort=-version:refname",
    "--format=%(refname:strip=2)",
    "refs/tags",
  ]);
  return tags
    .split("\n")
    .filter(
      (tag) => tag.length > before.length + after.length && tag.startsWith(before) && tag.endsWith(after),
    )
    .map((tag) => tag.slice(before.length, tag.length - after.length));
}

/** The commit of a version's tag. Throws `unknown_version` naming the nearest and the newest ones. */
export async function resolveVersion(repository: Repository, version: string): Promise<string> {
  const versions = await listVersions(repository);
  if (!versions.includes(version)) {
    const near = nearest(version, versions);
    throw new StewardError(
      "unknown_version",
      `Unknown version '${version.slice(0, 60)}'; known: ${versions.slice(0, 8).join(", ") || "none"}`,
      {
        hint: near ? `Did you mean ${near}?` : "Versions are the tags of the service's repository.",
      },
    );
  }
  return await git(repository, [
    "--git-dir",
    repository.mirror,
    "rev-parse",
    "--verify",
    `refs/tags/${tagOf(repository, version)}^{commit}`,
  ]);
}

/**
 * Checks the signature of a version's tag, in the mirror. Null when it is good; else git's own words. `signers`
 * is a file of allowed SSH signers; without it git's own settings and keys decide.
 */
export async function verifyTag(
  repository: Repository,
  version: string,
  signers: string | undefined,
): Promise<string | null> {
  const trust =
    signers === undefined ? [] : ["-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${signers}`];
  const result = await (repository.here ?? repository.host).run(
    ["git", ...trust, "--git-dir", repository.mirror, "verify-tag", "--", tagOf(repository, version)],
    { timeoutMs: TIMEOUT_MS, env: gitEnvironment(repository) },
  );
  if (result.exitCode === 0) return null;
  return result.output.trim().split("\n").at(-1) || `git ended with ${result.exitCode}`;
}

/** Names of the files under `folder` at a commit, in order. */
export async function filesAt(repository: Repository, commit: string, folder: string): Promise<string[]> {
  const names = await git(
    repository,
    ["--git-dir", repository.mirror, "ls-tree", "-r", "--name-only", commit, "--", folder],
    await withObjectsOfCheckout(repository),
  );
  return names.split("\n").filter(Boolean);
}

/** What the checkout stands at; `version` is null when HEAD carries no release tag. `dirty` are changed tracked files. */
export async function readCheckout(
  repository: Repository,
): Promise<{ commit: string; version: string | null; dirty: string[] }> {
  const commit = await git(repository, ["-C", repository.path, "rev-parse", "--verify", "HEAD^{commit}"]);
  const status = await git(repository, [
    "-C",
    repository.path,
    "status",
    "--porcelain",
    "--untracked-files=no",
  ]);
  const tags = (await git(repository, ["-C", repository.path, "tag", "--points-at", "HEAD"])).split("\n");
  const [before, after] = repository.tag.split("{version}") as [string, string];
  const tag = tags.find(
    (name) => name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after),
  );
  return {
    commit,
    version: tag === undefined ? null : tag.slice(before.length, tag.length - after.length),
    dirty: status === "" ? [] : status.split("\n").map((line) => line.slice(2).trim()),
  };
}

/**
 * Commits that `to` has and `from` has not, newest first, at most 200; and the other way round in `dropped`.
 * Either may be known to the checkout alone.
 */
export async function commitsBetween(
  repository: Repository,
  from: string,
  to: string,
): Promise<{ added: Commit[]; dropped: Commit[] }> {
  const env = await withObjectsOfCheckout(repository);
  const log = async (range: string) =>
    (
      await git(
        repository,
        ["--git-dir", repository.mirror, "log", "--max-count=200", "--format=%H%x09%s", range, "--"],
        env,
      )
    )
      .split("\n")
      .filter(Boolean)
      .map((line) => ({ id: line.slice(0, 40), subject: line.slice(41) }));
  return { added: await log(`${from}..${to}`), dropped: await log(`${to}..${from}`) };
}

/** Files under `folder` that differ between two commits, in order of name. */
export async function changedFiles(
  repository: Repository,
  from: string,
  to: string,
  folder: string,
): Promise<string[]> {
  const names = await git(
    repository,
    ["--git-dir", repository.mirror, "diff", "--name-only", from, to, "--", folder],
    await withObjectsOfCheckout(repository),
  );
  return names.split("\n").filter(Boolean);
}

/**
 * The commands that put the checkout at `commit`: fetched from the mirror, so nothing new can slip in between; on
 * another host, which does not see the mirror, from the checkout's own remote, and the commit is exact all the same.
 * `branch` names one that has the commit where no tag does.
 */
export function checkoutCommands(repository: Repository, commit: string, branch?: string): string[][] {
  return [
    [
      "git",
      "-C",
      repository.path,
      "fetch",
      "--quiet",
      "--no-tags",
      "--force",
      "--",
      repository.here ? repository.remote : repository.mirror,
      // by name: the mirror's HEAD may stand for a branch that is gone
      "refs/tags/*:refs/tags/*",
      ...(branch ? [`+refs/heads/${branch}:refs/remotes/${repository.remote}/${branch}`] : []),
    ],
    ["git", "-C", repository.path, "checkout", "--quiet", "--detach", commit],
  ];
}

/**
 * What git runs with: it asks nobody for a password, and trusts these two folders although another user
 * may own them (settings of the command's scope, so no file is written).
 */
export function gitEnvironment(repository: Repository): Record<string, string> {
  return {
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    LC_ALL: "C.UTF-8",
    GIT_CONFIG_COUNT: "4",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: repository.path,
    GIT_CONFIG_KEY_1: "safe.directory",
    GIT_CONFIG_VALUE_1: repository.mirror,
    // 1.3.0 is newer than 1.3.0-rc.1
    GIT_CONFIG_KEY_2: "versionsort.suffix",
    GIT_CONFIG_VALUE_2: "-",
    GIT_CONFIG_KEY_3: "core.quotePath",
    GIT_CONFIG_VALUE_3: "false",
  };
}

function tagOf(repository: Repository, version: string): string {
  return repository.tag.replace("{version}", () => version);
}

/** Lets git find what only the checkout has, such as a commit that was never pushed or whose tag was moved. */
async function withObjectsOfCheckout(repository: Repository): Promise<Record<string, string>> {
  if (repository.here) return {};
  const objects = await git(repository, ["-C", repository.path, "rev-parse", "--git-path", "objects"]);
  // quoted, since a colon would divide it
  return { GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(resolve(repository.path, objects)) };
}

/** A URL with a scheme, or the short form `user@host:path`. */
function namesAnotherHost(url: string): boolean {
  return !/^file:/i.test(url) && (/^[a-z][a-z0-9+.-]*:\/\//i.test(url) || /^[^/]+:/.test(url));
}

/** Runs git in the checkout: a remote may be told relative to it. What works on a mirror elsewhere runs there. */
async function git(
  repository: Repository,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const away = repository.here && args.includes(repository.mirror) ? repository.here : undefined;
  const result = await (away ?? repository.host).run(["git", ...args], {
    ...(away ? {} : { cwd: repository.path }),
    timeoutMs: TIMEOUT_MS,
    env: { ...gitEnvironment(repository), ...env },
    outputLimit: 4 << 20,
  });
  if (result.exitCode !== 0) {
    const said = result.timedOut
      ? `no answer within ${TIMEOUT_MS / 1000} s`
      : (/^(?:fatal|error): .*$/m.exec(result.output)?.[0] ?? result.output.trim().split("\n").at(-1));
    throw new StewardError(
      "git_failed",
      `git ${args.find((arg) => !arg.startsWith("-") && !arg.includes("/")) ?? ""} failed in ${repository.path}: ${said}`,
      {
        hint: "Check the path and that the remote answers without asking for a password.",
      },
    );
  }
  return result.output.trim();
}
