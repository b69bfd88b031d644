/** A small repository with its checkout, as a service has them; every commit is made by real git. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Repository } from "../../src/targets/git.ts";
import { localHost } from "../../src/targets/host.ts";
import { runFolder } from "../servers/run.ts";

const execute = promisify(execFile);

export interface ShopRepository {
  folder: string;
  origin: string;
  repository: Repository;
  /** git in the origin's work tree, without anybody's own settings */
  git(...args: string[]): Promise<string>;
  /** git in the service's checkout */
  checkout(...args: string[]): Promise<string>;
  /** commits these files in the origin; gives the commit's id */
  commit(subject: string, files: Record<string, string>, tag?: string): Promise<string>;
  close(): Promise<void>;
}

/** Origins and checkouts, made once and copied for each test. */
const templates = new Map<string, Promise<string>>();

/**
 * An origin with releases 1.0.0, 1.1.0 and 1.2.0 under `tag`; the checkout stands at 1.0.0. `prepare` does more to
 * it, once for all that name it.
 */
export async function shopRepository(
  tag = "v{version}",
  prepare: (shop: ShopRepository) => Promise<void> = async () => {},
): Promise<ShopRepository> {
  const key = `${tag} ${prepare.name}`;
  const template = templates.get(key) ?? createTemplate(tag, prepare);
  templates.set(key, template);
  const folder = await mkdtemp(join(tmpdir(), "steward-git-"));
  await cp(await template, folder, { recursive: true });
  const shop = shopIn(folder, tag);
  await shop.checkout("remote", "set-url", "origin", shop.origin);
  return shop;
}

async function createTemplate(
  tag: string,
  prepare: (shop: ShopRepository) => Promise<void>,
): Promise<string> {
  const folder = await mkdtemp(join(await runFolder(), "git-"));
  const shop = shopIn(folder, tag);
  const named = (version: string) => tag.replace("{version}", () => version);
  await gitIn(folder, "init", "--quiet", "--initial-branch=main", shop.origin);
  await shop.commit("Take orders", { "app.js": "1.0.0", "001.sql": "" }, named("1.0.0"));
  await shop.commit("Discounts", { "app.js": "1.1.0", "002 übrig.sql": "" }, named("1.1.0"));
  await shop.commit("Recommend", { "app.js": "1.2.0" }, named("1.2.0"));
  await gitIn(folder, "clone", "--quiet", shop.origin, shop.repository.path);
  await shop.checkout("checkout", "--quiet", "--detach", named("1.0.0"));
  await prepare(shop);
  return folder;
}

function shopIn(folder: string, tag: string): ShopRepository {
  const [origin, path] = [join(folder, "origin"), join(folder, "shop")];
  const git = (...args: string[]) => gitIn(origin, ...args);
  return {
    folder,
    origin,
    repository: {
      host: localHost({ redact: (text) => text, environment: { PATH: process.env.PATH, HOME: folder } }),
      path,
      mirror: join(folder, "mirrors", "shop.git"),
      remote: "origin",
      tag,
    },
    git,
    checkout: (...args) => gitIn(path, ...args),
    async commit(subject, files, at) {
      for (const [file, text] of Object.entries(files)) {
        await mkdir(dirname(join(origin, file)), { recursive: true });
        await writeFile(join(origin, file), text);
      }
      await git("add", "--all");
      await git("commit", "--quiet", "--allow-empty", "--message", subject);
      if (at) await git("tag", "--force", at);
      return await git("rev-parse", "HEAD");
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function gitIn(cwd: string, ...args: string[]): Promise<string> {
  const person = { NAME: "Rosa", EMAIL: "rosa@shop.example" };
  const { stdout } = await execute("git", args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: person.NAME,
      GIT_AUTHOR_EMAIL: person.EMAIL,
      GIT_COMMITTER_NAME: person.NAME,
      GIT_COMMITTER_EMAIL: person.EMAIL,
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
    },
  });
  return stdout.trim();
}
