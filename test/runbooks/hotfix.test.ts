import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Service } from "../../src/config.ts";
import { transaction } from "../../src/journal/database.ts";
import { listReleases } from "../../src/journal/releases.ts";
import { listRuns } from "../../src/journal/runs.ts";
import type { Run } from "../../src/journal/types.ts";
import { decideApproval, requestRun } from "../../src/runbooks/requests.ts";
import { BEA, OLGA } from "./house.ts";
import { openShops, type Shop, type Shops } from "./shops.ts";

let shops: Shops;
let shop: Shop;
beforeAll(async () => {
  shops = await openShops();
});
afterAll(() => shops.close());
beforeEach(async () => {
  shop = await shops.shop();
  // the remote that people push to has no work tree whose branch could be in the way
  await shop.repository.git("config", "receive.denyCurrentBranch", "ignore");
});

const service = (): Service => shops.context.config.services.find(({ id }) => id === shop.id)!;
const branches = async () =>
  (await shop.repository.git("for-each-ref", "--format=%(refname:strip=2)", "refs/heads")).trim().split("\n");
const ask = (runbook: string, args: Record<string, string>) =>
  transaction(shops.context.journal, (tx) =>
    requestRun(shops.context, tx, {
      runbook,
      service: shop.id,
      args,
      actor: OLGA,
      channel: "ops",
      intentId: null,
    }),
  );

async function approve(id: number): Promise<Run> {
  const { planHash } = await shops.until(id, ["awaiting_approval"]);
  await transaction(shops.context.journal, (tx) =>
    decideApproval(shops.context, tx, {
      runId: id,
      planHash: planHash!,
      actor: BEA,
      decision: "approve",
      reason: null,
    }),
  );
  return await shops.until(id, ["succeeded", "failed", "undone", "needs_decision"]);
}

async function run(runbook: string, args: Record<string, string>): Promise<Run> {
  const id = await ask(runbook, args);
  const asked = await shops.until(id, ["awaiting_approval", "void"]);
  return asked.state === "void" ? asked : await approve(id);
}

/** A commit on a branch of its own, off the newest release, as a colleague would push it. */
async function fix(files: Record<string, string>): Promise<string> {
  return await shop.repository.commit("Mend the till", files);
}

describe("a hotfix", () => {
  test("puts one commit on top of what runs, and nothing else of what came since; its branch is kept", async () => {
    const commit = await fix({ "till.txt": "mended" });
    const done = await run("hotfix", { ref: commit });
    expect(done).toMatchObject({ state: "succeeded", error: null });
    expect(await shop.serves()).toMatchObject({ version: "2.0.0" });
    const branch = `hotfix/2.0.0-${commit.slice(0, 9)}`;
    expect(done.facts.branch).toBe(branch);
    expect(await branches()).toContain(branch);
    expect((await shop.repository.git("diff", "--name-only", "v2.0.0", branch)).trim()).toBe("till.txt");
    expect((await shop.repository.checkout("rev-parse", "HEAD")).trim()).toBe(
      (await shop.repository.git("rev-parse", branch)).trim(),
    );
    expect((await listReleases(shops.context.journal, shop.id))[0]).toMatchObject({
      version: `2.0.0+${commit.slice(0, 9)}`,
      notes: { runbook: "hotfix", branch },
    });
    expect(await run("hotfix", { ref: commit })).toMatchObject({ error: { code: "already_running" } });
    const back = await run("rollback", {});
    expect(back).toMatchObject({ state: "succeeded", plan: { to: "2.0.0" } });
  });

  test("that conflicts is told before anybody is asked, with the files", async () => {
    const commit = await fix({ "release.json": '{"version":"9.9.9","status":"healthy"}' });
    expect(await run("hotfix", { ref: commit })).toMatchObject({
      state: "void",
      error: { code: "hotfix_conflict", message: expect.stringContaining("release.json") },
    });
    expect((await branches()).filter((name) => name.startsWith("hotfix"))).toEqual([]);
  });

  test("whose tests fail is undone; what ran runs on, and the branch is kept", async () => {
    service().commands.test = [process.execPath, "-e", 'require("node:fs").accessSync("no-such-file")'];
    const commit = await fix({ "till.txt": "mended" });
    const undone = await run("hotfix", { ref: commit });
    expect(undone).toMatchObject({ state: "undone", error: { code: "command_failed" } });
    expect(await shop.serves()).toMatchObject({ version: "2.0.0", status: "healthy" });
    expect(await branches()).toContain(`hotfix/2.0.0-${commit.slice(0, 9)}`);
    expect((await shop.repository.checkout("status", "--porcelain", "--untracked-files=no")).trim()).toBe("");
  });

  test("migrates when its commit brings a migration, with the writes held", async () => {
    const commit = await fix({ "migrations/005.sql": "create table codes (code text)" });
    const done = await run("hotfix", { ref: commit });
    // 2.0.0's own code has no such file, so it applies
    expect(done).toMatchObject({ state: "succeeded", error: null });
    expect(done.plan!.steps.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["hold-writes", "backup", "migrate", "accept-writes"]),
    );
    expect(await shop.database.as(shop.database.ownerUrl, "select * from codes")).toEqual([]);
  });

  test("may be a package: pinned by the declared command, name and version each a whole argument", async () => {
    service().commands.pin = [
      process.execPath,
      "-e",
      'require("node:fs").writeFileSync("pins.json", JSON.stringify(process.argv.slice(1)))',
      "{package}",
      "{version}",
    ];
    const done = await run("hotfix", { ref: "@scope/left-pad@1.3.0" });
    expect(done).toMatchObject({ state: "succeeded", plan: { to: "2.0.0+scope-left-pad-1.3.0" } });
    const branch = String(done.facts.branch);
    expect(await shop.repository.git("show", `${branch}:pins.json`)).toContain('["@scope/left-pad","1.3.0"]');
    expect(await run("hotfix", { ref: "no-such-branch" })).toMatchObject({ error: { code: "unknown_ref" } });
    await expect(ask("hotfix", { ref: "--upload-pack=touch x" })).rejects.toMatchObject({
      code: "bad_argument",
    });
    await expect(ask("hotfix", { ref: "HEAD^{/x}" })).rejects.toMatchObject({ code: "bad_argument" });
  });
});

describe("a release", () => {
  const flag = () => join(shop.repository.folder, "tests-fail");
  beforeEach(() => {
    service().commands.bump = [
      process.execPath,
      "-e",
      'require("node:fs").writeFileSync("release.json", JSON.stringify({ version: process.argv[1], status: "healthy" }))',
      "{version}",
    ];
    service().commands.install = undefined;
    service().commands.test = [
      process.execPath,
      "-e",
      `process.exit(require("node:fs").existsSync(${JSON.stringify(flag())}) ? 1 : 0)`,
    ];
  });

  test("is prepared, tested, tagged and pushed, and the update to it is asked for next by the same person", async () => {
    await shop.repository.commit("Mend the till", {
      "till.txt": "mended",
      "release.json": '{"version":"2.4.0","status":"healthy"}',
    });
    await shop.repository.git("rm", "--quiet", "migrations/004.sql");
    await shop.repository.git("commit", "--quiet", "-m", "Drop the broken migration");
    const done = await run("release", { version: "2.5.0" });
    expect(done).toMatchObject({ state: "succeeded", error: null });
    const changelog = await shop.repository.git("show", "v2.5.0:CHANGELOG.md");
    expect(changelog).toMatch(
      /^# Changelog\n\n## 2.5.0 \(\d{4}-\d\d-\d\d\)\n- Drop the broken migration\n- Mend the till/,
    );
    expect(await shop.repository.git("show", "v2.5.0:release.json")).toContain("2.5.0");
    expect(await shop.repository.git("cat-file", "-t", "v2.5.0")).toContain("tag");
    expect(await branches()).toContain("release/2.5.0");
    await expect
      .poll(async () => (await listRuns(shops.context.journal, { service: shop.id }))[0], { timeout: 10_000 })
      .toMatchObject({
        runbook: "update",
        args: { version: "2.5.0" },
        follows: done.id,
        requestedBy: { id: OLGA.id },
      });
    const [next] = await listRuns(shops.context.journal, { service: shop.id });
    expect((await approve(next!.id)).state).toBe("succeeded");
    expect(await shop.serves()).toMatchObject({ version: "2.5.0" });
    expect(await run("release", { version: "2.5.0" })).toMatchObject({ error: { code: "version_exists" } });
  });

  test("whose tests fail waits; a new commit on the branch makes a new plan", async () => {
    await writeFile(flag(), "");
    const stuck = await run("release", { version: "2.6.0" });
    expect(stuck).toMatchObject({ state: "needs_decision", decision: { step: "test" } });
    await shop.repository.commit("The fix", { "fix.txt": "" });
    await shops.decide(stuck.id, "retry");
    const undone = await shops.until(stuck.id, ["undone"]);
    expect(undone.error).toMatchObject({ code: "branch_moved" });
    expect(await shop.repository.git("tag", "--list", "v2.6.0")).toBe("");
    const [again] = await listRuns(shops.context.journal, { service: shop.id });
    expect(again).toMatchObject({ runbook: "release", args: { version: "2.6.0" }, follows: stuck.id });
    const planned = await shops.until(again!.id, ["awaiting_approval"]);
    expect(planned.plan!.context.commits[0]!.subject).toBe("The fix");
  });

  test("whose push was done and not recorded when its replica died pushes nothing else the second time", async () => {
    const done = await run("release", { version: "2.7.0" });
    expect(done.state).toBe("succeeded");
    const before = await shop.repository.git("rev-parse", "v2.7.0", "release/2.7.0");
    // as a takeover finds it: the push open, its work tree still there
    await shops.context.journal.query(
      "update runs set state = 'running', ended_at = null, token = token + 1 where id = $1",
      [done.id],
    );
    await shops.context.journal.query("delete from attempts where run_id = $1 and step <> 'branch'", [
      done.id,
    ]);
    await shops.context.journal.query("delete from attempts where run_id = $1", [done.id]);
    const again = await shops.until(done.id, ["succeeded", "undone", "needs_decision"]);
    expect(again).toMatchObject({ state: "succeeded", error: null });
    expect(await shop.repository.git("rev-parse", "v2.7.0", "release/2.7.0")).toBe(before);
  });
});
