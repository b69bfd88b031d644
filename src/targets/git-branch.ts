/**
 * New commits, made beside the service's checkout: in a work tree of Steward's own mirror, on Steward's machine. What is
 * made there becomes others' only by a push; hooks of the repository are never run.
 */
import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StewardError } from "../errors.ts";
import { gitEnvironment, type Repository } from "./git.ts";

/** How the mirror calls where it was fetched from: the address itself may hold a password and is never shown. */
export const REMOTE = "steward";
const TIMEOUT_MS = 120_000;
const IDENTITY = [
  "-c",
  "user.name=Steward",
  "-c",
  "user.email=steward@localhost",
  "-c",
  "core.hooksPath=/dev/null",
];

/** The work tree of a run. */
export function worktreeOf(repository: Repository, run: { id: number }): string {
  return join(dirname(repository.mirror), "work", `run-${run.id}`);
}

/** The command that makes the work tree at a commit; what an interrupted try left is taken away first. */
export async function makeWorktree(
  repository: Repository,
  folder: string,
  commit: string,
): Promise<string[]> {
  await removeWorktree(repository, folder);
  await mkdir(dirname(folder), { recursive: true });
  return worktreeCommand(repository, folder, commit);
}

export function worktreeCommand(repository: Repository, folder: string, commit: string): string[] {
  return [
    "git",
    "--git-dir",
    repository.mirror,
    "worktree",
    "add",
    "--quiet",
    "--force",
    "--detach",
    folder,
    commit,
  ];
}

/** Safe to repeat, and when it was never made. */
export async function removeWorktree(repository: Repository, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await gitHere(repository, ["--git-dir", repository.mirror, "worktree", "prune"]);
}

/** Back to a commit, with nothing left of an earlier try. */
export function resetCommands(folder: string, commit: string): string[][] {
  return [
    ["git", "-C", folder, "reset", "--quiet", "--hard", commit],
    ["git", "-C", folder, "clean", "--quiet", "-d", "--force"],
  ];
}

export function cherryPickCommand(folder: string, commit: string): string[] {
  return ["git", ...IDENTITY, "-C", folder, "cherry-pick", "-x", commit];
}

/** Commits all that changed. */
export function commitCommands(folder: string, subject: string): string[][] {
  return [
    ["git", "-C", folder, "add", "--all"],
    ["git", ...IDENTITY, "-C", folder, "commit", "--quiet", "--message", subject],
  ];
}

/** An annotated tag; made again it is the same object, as its date is given (`datesOf`). */
export function tagCommand(folder: string, tag: string, message: string): string[] {
  return ["git", ...IDENTITY, "-C", folder, "tag", "--force", "--annotate", "--message", message, tag];
}

/** Pushes the work tree's commit to these refs: all of them or none. */
export function pushCommand(folder: string, refs: readonly string[]): string[] {
  return ["git", ...IDENTITY, "-C", folder, "push", "--quiet", "--atomic", REMOTE, ...refs];
}

/** The same time for author and committer, so that a commit made again is the same commit. */
export function datesOf(at: string): Record<string, string> {
  return { GIT_AUTHOR_DATE: at, GIT_COMMITTER_DATE: at };
}

/** Settings for a push to where the mirror is fetched from: by the environment, so that a password in it is written nowhere. */
export async function remoteSettings(repository: Repository): Promise<Record<string, string>> {
  const { stdout } = await run(repository, repository.host, [
    "git",
    "-C",
    repository.path,
    "remote",
    "get-url",
    repository.remote,
  ]);
  const env = gitEnvironment(repository);
  const next = Number(env.GIT_CONFIG_COUNT);
  return {
    ...env,
    GIT_CONFIG_COUNT: String(next + 1),
    [`GIT_CONFIG_KEY_${next}`]: `remote.${REMOTE}.url`,
    [`GIT_CONFIG_VALUE_${next}`]: stdout.trim(),
  };
}

/** The commit that a work tree stands at. */
export async function headOf(repository: Repository, folder: string): Promise<string> {
  return (await gitHere(repository, ["-C", folder, "rev-parse", "--verify", "HEAD^{commit}"])).trim();
}

/** Whether anything in the work tree differs from its commit. */
export async function hasChanges(repository: Repository, folder: string): Promise<boolean> {
  return (await gitHere(repository, ["-C", folder, "status", "--porcelain"])).trim() !== "";
}

/** The commit that a name stands for in the mirror: a commit, branch or tag. Undefined when there is none. */
export async function resolveRef(repository: Repository, ref: string): Promise<string | undefined> {
  const args = [
    "--git-dir",
    repository.mirror,
    "rev-parse",
    "--quiet",
    "--verify",
    "--end-of-options",
    `${ref}^{commit}`,
  ];
  const result = await run(repository, here(repository), ["git", ...args]);
  return result.exitCode === 0 ? result.stdout.trim() : undefined;
}

/** Whether `commit` is in the history of `of`. */
export async function isAncestor(repository: Repository, commit: string, of: string): Promise<boolean> {
  const args = ["--git-dir", repository.mirror, "merge-base", "--is-ancestor", commit, of];
  return (await run(repository, here(repository), ["git", ...args])).exitCode === 0;
}

/** Author's date and subject of a commit. */
export async function aboutCommit(
  repository: Repository,
  commit: string,
): Promise<{ at: string; subject: string; parents: number }> {
  const text = await gitHere(repository, [
    "--git-dir",
    repository.mirror,
    "log",
    "--max-count=1",
    "--format=%aI%n%P%n%s",
    commit,
    "--",
  ]);
  const [at = "", parents = "", subject = ""] = text.trim().split("\n");
  return { at, subject, parents: parents.split(" ").filter(Boolean).length };
}

/**
 * Tries a pick in a work tree that is thrown away, so that a conflict is told before anybody is asked. Names of the
 * files in conflict; `changes` is false when what it does is there already.
 */
export async function tryPick(
  repository: Repository,
  base: string,
  commit: string,
): Promise<{ conflicts: string[]; changes: boolean }> {
  const folder = join(dirname(repository.mirror), "work", `try-${randomUUID()}`);
  const [, ...add] = await makeWorktree(repository, folder, base);
  try {
    await gitHere(repository, add);
    const picked = await run(repository, here(repository), [
      "git",
      ...IDENTITY,
      "-C",
      folder,
      "cherry-pick",
      "--no-commit",
      commit,
    ]);
    if (picked.exitCode === 0) return { conflicts: [], changes: await hasChanges(repository, folder) };
    const names = await gitHere(repository, ["-C", folder, "diff", "--name-only", "--diff-filter=U"]);
    const said = picked.stdout.trim().split("\n").at(-1) ?? "unknown";
    return { conflicts: names.trim() ? names.trim().split("\n") : [said], changes: true };
  } finally {
    await removeWorktree(repository, folder);
  }
}

function here(repository: Repository) {
  return repository.here ?? repository.host;
}

async function gitHere(repository: Repository, args: readonly string[]): Promise<string> {
  const result = await run(repository, here(repository), ["git", ...args]);
  if (result.exitCode === 0) return result.stdout;
  throw new StewardError(
    "git_failed",
    `git failed in Steward's mirror: ${result.stdout.trim().split("\n").at(-1)}`,
    { hint: "Look at the repository's remote and at the disk." },
  );
}

async function run(
  repository: Repository,
  host: Repository["host"],
  command: readonly string[],
): Promise<{ exitCode: number | null; stdout: string }> {
  const { exitCode, output } = await host.run(command, {
    timeoutMs: TIMEOUT_MS,
    env: gitEnvironment(repository),
    outputLimit: 1 << 20,
  });
  return { exitCode, stdout: output };
}
