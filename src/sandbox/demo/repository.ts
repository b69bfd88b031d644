/** The demo's git side: a bare origin with three tagged releases, and the checkout that the shop runs from. */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const TEMPLATES = join(import.meta.dirname, "shop");
const FIRST_RELEASE = "1.0.0";
/** Fixed people and times, so that the commits' hashes are the same everywhere. */
const RELEASES = [
  { version: "1.0.0", at: "2026-03-02T09:00:00Z", subject: "Take orders", tag: "First release: orders" },
  {
    version: "1.1.0",
    at: "2026-04-13T14:30:00Z",
    subject:
      "Discount codes\n\nAn order may name a code; migration 002 adds the codes and a column to orders.",
    tag: "Discount codes",
  },
  {
    version: "1.2.0",
    at: "2026-05-18T11:15:00Z",
    subject: "Recommendations\n\nKeep what goes with what in memory; migration 003 adds the table.",
    tag: "Recommendations",
  },
];

type Variables = Record<string, string | undefined>;

/** Creates `origin.git` and `shop` in `folder` where they do not exist; existing ones keep their state. */
export async function createRepository(folder: string, variables: Variables): Promise<{ checkout: string }> {
  const origin = join(folder, "origin.git");
  const checkout = join(folder, "shop");
  const git = gitWith(variables);
  if (!(await isFolder(origin))) await whole(origin, (unfinished) => createOrigin(unfinished, git));
  if (!(await isFolder(checkout))) {
    await whole(checkout, async (unfinished) => {
      await git(folder, {}, "clone", "--quiet", "--no-checkout", origin, unfinished);
      await git(unfinished, {}, "checkout", "--quiet", FIRST_RELEASE);
    });
  }
  // The folder may have been moved since.
  await git(checkout, {}, "remote", "set-url", "origin", origin);
  return { checkout };
}

type Git = (cwd: string, extra: Variables, ...args: string[]) => Promise<void>;

async function createOrigin(origin: string, git: Git): Promise<void> {
  const work = `${origin}.work`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  await git(work, {}, "init", "--quiet", "--template=", "--initial-branch=main");
  for (const { version, at, subject, tag } of RELEASES) {
    await cp(join(TEMPLATES, version), work, { recursive: true });
    const when = { GIT_AUTHOR_DATE: at, GIT_COMMITTER_DATE: at };
    await git(work, when, "add", "--all");
    await git(work, when, "commit", "--quiet", "--message", subject);
    await git(work, when, "tag", "--annotate", version, "--message", tag);
  }
  await git(work, {}, "clone", "--quiet", "--bare", "--template=", ".", origin);
  await rm(work, { recursive: true });
}

/** Makes a folder beside its place and moves it there when it is whole. */
async function whole(folder: string, make: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await make(unfinished);
  await rename(unfinished, folder);
}

/** git without anybody's settings, hooks or GIT_* variables. */
function gitWith(variables: Variables): Git {
  const base = Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith("GIT_")));
  const person = { NAME: "Rosa Barista", EMAIL: "rosa@shop.example" };
  const environment = {
    ...base,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: person.NAME,
    GIT_AUTHOR_EMAIL: person.EMAIL,
    GIT_COMMITTER_NAME: person.NAME,
    GIT_COMMITTER_EMAIL: person.EMAIL,
  };
  return async (cwd, extra, ...args) => {
    await run("git", args, { cwd, env: { ...environment, ...extra } });
  };
}

async function isFolder(path: string): Promise<boolean> {
  if (!(await stat(path).catch(() => null))?.isDirectory()) return false;
  return (await readdir(path)).length > 0;
}
