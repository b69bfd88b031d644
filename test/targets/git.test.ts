import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import {
  changedFiles,
  checkoutCommands,
  commitsBetween,
  fetchMirror,
  gitEnvironment,
  listVersions,
  readCheckout,
  resolveVersion,
} from "../../src/targets/git.ts";
import { type ShopRepository, shopRepository } from "./shop-repository.ts";

const HOSTILE = [
  "--upload-pack=touch pwned",
  "--output=pwned",
  "-h",
  "../..",
  "../../heads/main",
  "$(touch pwned)",
  "; touch pwned",
  "1.1.0^{/x}",
  "1.1.0\n1.2.0",
  "HEAD",
  "*",
  "",
];
const isRoot = process.getuid?.() === 0;
let shop: ShopRepository;
afterEach(async () => {
  await shop?.close();
});

async function mirrored(tag?: string): Promise<ShopRepository> {
  shop = await shopRepository(tag);
  await fetchMirror(shop.repository);
  return shop;
}

describe("the mirror", () => {
  test("follows its remote: new tags come, deleted ones go, and the checkout is not touched", async () => {
    const { repository, commit, git, checkout } = await mirrored();
    const [head, refs] = [await checkout("rev-parse", "HEAD"), await checkout("for-each-ref")];
    await commit("Fix", { "app.js": "1.2.1" }, "v1.2.1");
    await git("tag", "--delete", "v1.2.0");
    await fetchMirror(repository);
    expect(await listVersions(repository)).toEqual(["1.2.1", "1.1.0", "1.0.0"]);
    expect([await checkout("rev-parse", "HEAD"), await checkout("for-each-ref")]).toEqual([head, refs]);
  });

  test("follows a tag that was moved, and a remote that was moved", async () => {
    const { repository, commit, checkout, origin } = await mirrored();
    const before = await resolveVersion(repository, "1.1.0");
    const moved = await commit("Discounts, again", { "app.js": "1.1.0 again" }, "v1.1.0");
    await fetchMirror(repository);
    expect(await resolveVersion(repository, "1.1.0")).toBe(moved);
    expect(moved).not.toBe(before);
    await rename(origin, `${origin}-new`);
    await checkout("remote", "set-url", "origin", `${origin}-new`);
    await fetchMirror(repository);
    expect(await resolveVersion(repository, "1.1.0")).toBe(moved);
  });

  test("is made by several plans at once, and brought up to date by several", async () => {
    shop = await shopRepository();
    const { repository, commit } = shop;
    await Promise.all([1, 2, 3].map(() => fetchMirror(repository)));
    expect(await listVersions(repository)).toHaveLength(3);
    for (let patch = 1; patch <= 5; patch += 1) await commit("Fix", {}, `v1.2.${patch}`);
    await Promise.all([1, 2, 3, 4].map(() => fetchMirror(repository)));
    expect(await listVersions(repository)).toHaveLength(8);
  });

  test("is made anew where a crash left half of one", async () => {
    shop = await shopRepository();
    await mkdir(join(shop.repository.mirror, "objects"), { recursive: true });
    await fetchMirror(shop.repository);
    expect(await listVersions(shop.repository)).toHaveLength(3);
  });

  test("can be made of a remote that is told relative to the checkout", async () => {
    shop = await shopRepository();
    await shop.checkout("remote", "set-url", "origin", "../origin");
    await fetchMirror(shop.repository);
    await shop.commit("Fix", {}, "v1.2.1");
    await fetchMirror(shop.repository);
    expect(await listVersions(shop.repository)).toHaveLength(4);
  });

  test("says in git's own words what is wrong with a remote", async () => {
    shop = await shopRepository();
    await rm(shop.origin, { recursive: true });
    await expect(fetchMirror(shop.repository)).rejects.toMatchObject({
      code: "git_failed",
      message: expect.stringContaining("does not"),
    });
  });
});

describe("versions", () => {
  test.each(["{version}", "v{version}", "shop-{version}-final"])(
    "are told from other tags by %s",
    async (tag) => {
      const { repository, git } = await mirrored(tag);
      for (const other of ["nightly/x", "shop--final", "other-9.9.9"]) await git("tag", other);
      await git("tag", tag.replace("{version}", "1.10.0"));
      await fetchMirror(repository);
      const versions = await listVersions(repository);
      const known = versions.filter((version) => /^\d/.test(version));
      expect(known).toEqual(["1.10.0", "1.2.0", "1.1.0", "1.0.0"]);
      if (tag !== "{version}") expect(versions).toEqual(known);
      expect(await resolveVersion(repository, "1.10.0")).toBe(await git("rev-parse", "HEAD"));
    },
  );

  test("put a release before its candidates", async () => {
    const { repository, git } = await mirrored();
    for (const tag of ["v1.3.0", "v1.3.0-rc.1", "v1.3.0-rc.2"]) await git("tag", tag);
    await fetchMirror(repository);
    expect((await listVersions(repository)).slice(0, 3)).toEqual(["1.3.0", "1.3.0-rc.2", "1.3.0-rc.1"]);
  });

  test("of annotated tags stand for the commit", async () => {
    const { repository, git } = await mirrored();
    await git("tag", "--annotate", "v2.0.0", "--message", "Two");
    await fetchMirror(repository);
    expect(await resolveVersion(repository, "2.0.0")).toBe(await git("rev-parse", "HEAD"));
  });

  test("that do not exist are answered with the nearest and the known ones", async () => {
    const { repository } = await mirrored();
    await expect(resolveVersion(repository, "1.1.O")).rejects.toMatchObject({
      code: "unknown_version",
      message: "Unknown version '1.1.O'; known: 1.2.0, 1.1.0, 1.0.0",
      hint: "Did you mean 1.1.0?",
    });
    await expect(resolveVersion(repository, "9".repeat(10_000))).rejects.toMatchObject({
      message: expect.stringMatching(/^.{1,120}$/),
    });
  });

  test("that are hostile never reach git", async () => {
    const { repository } = await mirrored();
    const commands: string[][] = [];
    const host = {
      ...repository.host,
      run: (command: readonly string[], options: Parameters<typeof repository.host.run>[1]) => {
        commands.push([...command]);
        return repository.host.run(command, options);
      },
    };
    for (const hostile of HOSTILE) {
      await expect(resolveVersion({ ...repository, host }, hostile), hostile).rejects.toMatchObject({
        code: "unknown_version",
      });
    }
    expect(commands.flat().filter((part) => HOSTILE.includes(part))).toEqual([]);
    expect(commands.every((command) => !command.includes("rev-parse"))).toBe(true);
    expect(existsSync(join(repository.path, "pwned"))).toBe(false);
  });

  test("that look like shell or patterns are themselves, where a tag is really called so", async () => {
    const { repository, git } = await mirrored();
    for (const odd of ["$(id)", "$&", "1;id"]) {
      await git("tag", `v${odd}`, "v1.1.0");
      await fetchMirror(repository);
      expect(await resolveVersion(repository, odd)).toBe(await git("rev-parse", "v1.1.0"));
    }
  });
});

describe("the checkout", () => {
  test("is told with its commit, its version and its changed files; files of nobody do not count", async () => {
    const { repository, checkout } = await mirrored();
    const commit = await checkout("rev-parse", "HEAD");
    await writeFile(join(repository.path, "upload.png"), "");
    expect(await readCheckout(repository)).toEqual({ commit, version: "1.0.0", dirty: [] });
    await writeFile(join(repository.path, "app.js"), "changed by hand");
    await rm(join(repository.path, "001.sql"));
    expect((await readCheckout(repository)).dirty.sort()).toEqual(["001.sql", "app.js"]);
    await checkout("add", "--all");
    expect((await readCheckout(repository)).dirty).toContain("app.js");
  });

  test("between two releases has no version", async () => {
    const { repository, checkout } = await mirrored();
    await checkout("checkout", "--quiet", "-b", "work");
    await checkout("commit", "--quiet", "--allow-empty", "--message", "local");
    expect((await readCheckout(repository)).version).toBeNull();
  });

  test("that is none is said in plain words", async () => {
    shop = await shopRepository();
    const nowhere = { ...shop.repository, path: join(shop.folder, "nowhere") };
    await expect(readCheckout(nowhere)).rejects.toMatchObject({
      message: expect.stringContaining("nowhere"),
    });
    await expect(readCheckout({ ...shop.repository, path: shop.folder })).rejects.toMatchObject({
      code: "git_failed",
      message: expect.stringContaining("not a git repository"),
    });
  });

  test.runIf(isRoot)("of another user is read and moved all the same", async () => {
    const { repository } = await mirrored();
    await promisify(execFile)("chown", ["-R", "65534:65534", repository.path]);
    expect(await readCheckout(repository)).toMatchObject({ version: "1.0.0" });
    await fetchMirror(repository);
    await checkOut(await resolveVersion(repository, "1.1.0"));
    expect(await readCheckout(repository)).toMatchObject({ version: "1.1.0" });
  });

  test("goes to a version from the mirror alone, when the remote is gone", async () => {
    const { repository, origin } = await mirrored();
    await rm(origin, { recursive: true });
    const commit = await resolveVersion(repository, "1.2.0");
    await checkOut(commit);
    expect(await readCheckout(repository)).toEqual({ commit, version: "1.2.0", dirty: [] });
    expect(await readFile(join(repository.path, "app.js"), "utf8")).toBe("1.2.0");
  });

  test("goes to a moved tag's new commit", async () => {
    const { repository, commit } = await mirrored();
    const moved = await commit("Again", { "app.js": "moved" }, "v1.1.0");
    await fetchMirror(repository);
    await checkOut(moved);
    expect(await readCheckout(repository)).toEqual({ commit: moved, version: "1.1.0", dirty: [] });
  });
});

describe("between two commits", () => {
  test("are the commits of both directions, newest first", async () => {
    const { repository, git } = await mirrored();
    const ids = (await git("rev-list", "--reverse", "HEAD")).split("\n") as [string, string, string];
    const both = [
      { id: ids[2], subject: "Recommend" },
      { id: ids[1], subject: "Discounts" },
    ];
    expect(await commitsBetween(repository, ids[0], ids[2])).toEqual({ added: both, dropped: [] });
    expect(await commitsBetween(repository, ids[2], ids[0])).toEqual({ added: [], dropped: both });
  });

  test("on branches that parted are what each has alone", async () => {
    const { repository, git, commit } = await mirrored();
    const main = await git("rev-parse", "HEAD");
    await git("checkout", "--quiet", "-b", "hotfix", "v1.1.0");
    const fix = await commit("Hotfix", { "app.js": "1.1.1" }, "v1.1.1");
    await fetchMirror(repository);
    const { added, dropped } = await commitsBetween(repository, main, fix);
    expect([added.map((one) => one.subject), dropped.map((one) => one.subject)]).toEqual([
      ["Hotfix"],
      ["Recommend"],
    ]);
  });

  test("are told although what runs was never pushed, or its tag has moved on", async () => {
    const { repository, checkout } = await mirrored();
    await checkout("commit", "--quiet", "--allow-empty", "--message", "Only here");
    const here = (await readCheckout(repository)).commit;
    const to = await resolveVersion(repository, "1.1.0");
    const { added, dropped } = await commitsBetween(repository, here, to);
    expect([added.map((one) => one.subject), dropped.map((one) => one.subject)]).toEqual([
      ["Discounts"],
      ["Only here"],
    ]);
    expect(await changedFiles(repository, here, to, ".")).toContain("app.js");
  });

  test("are the files that differ under a folder, by their real names", async () => {
    const { repository } = await mirrored();
    const [from, to] = [await resolveVersion(repository, "1.0.0"), await resolveVersion(repository, "1.1.0")];
    expect(await changedFiles(repository, from, to, ".")).toEqual(["002 übrig.sql", "app.js"]);
    expect(await changedFiles(repository, from, to, "migrations")).toEqual([]);
  });
});

async function checkOut(commit: string): Promise<void> {
  const { repository } = shop;
  for (const command of checkoutCommands(repository, commit)) {
    const result = await repository.host.run(command, { timeoutMs: 10_000, env: gitEnvironment(repository) });
    expect(result.output).toBe("");
    expect(result.exitCode).toBe(0);
  }
}
