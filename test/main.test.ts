/** Starts that must not succeed: one message, the right exit code, nothing left running. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startSlack } from "../src/sandbox/slack/server.ts";
import { testDatabase } from "./servers/postgres.ts";

const ROOT = join(import.meta.dirname, "..");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "steward-main-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a start", () => {
  test("with a bad config names every problem at once, ends with 2 and starts nothing", async () => {
    await writeFile(
      join(folder, "steward.yml"),
      "slack: {channel: ops}\nservices:\n  Shop: {}\n  web:\n    databse: {}\n    checks: [{type: htp}]\n    commands: {restart: systemctl restart web}\n",
    );
    const ended = await start("src/main.ts", {
      STEWARD_CONFIG: join(folder, "steward.yml"),
      SLACK_BOT_TOKEN: "xoxb-1",
      SLACK_APP_TOKEN: "xapp-1",
    });
    expect(ended.code).toBe(2);
    for (const path of [
      "slack.incidents",
      "Shop",
      "services.web.databse",
      "services.web.checks[0]",
      "services.web.commands.restart",
    ]) {
      expect(ended.stderr).toContain(path);
    }
    expect(ended.stderr).toContain("did you mean database");
    expect(await readdir(folder)).toEqual(["steward.yml"]);
  });

  test("without the config that was named ends with 2", async () => {
    const ended = await start("src/main.ts", { STEWARD_CONFIG: join(folder, "none.yml") });
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("No config at");
    expect(ended.stderr).toContain("steward init");
  });

  test("with a bad environment variable ends with 2", async () => {
    const ended = await start("src/main.ts", { PORT: "eighty" });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("PORT: 'eighty'; allowed: a port from 0 to 65535");
  });

  test("with bad tokens says so in one clear line and ends with 1", async () => {
    const slack = await startSlack({ port: 0 });
    const database = await testDatabase("tokens");
    await writeFile(
      join(folder, "steward.yml"),
      "slack: {channel: ops, incidents: incidents}\nservices: {}\n",
    );
    const ended = await start("src/main.ts", {
      STEWARD_CONFIG: join(folder, "steward.yml"),
      DATABASE_URL: database.url,
      SLACK_API_URL: slack.apiUrl,
      SLACK_BOT_TOKEN: "xoxb-wrong",
      SLACK_APP_TOKEN: slack.appToken,
      PORT: "0",
    });
    await slack.stop();
    await database.drop();
    expect(ended.code).toBe(1);
    expect(ended.stderr.split("\n").filter((line) => line.startsWith("steward:"))).toEqual([
      "steward: Slack refuses SLACK_BOT_TOKEN, Slack does not know it",
    ]);
    expect(ended.stderr).not.toContain("xoxb-wrong");
  });

  test("of the sandbox is refused under NODE_ENV=production with 2", async () => {
    const ended = await start("bin/steward.js", { NODE_ENV: "production" }, ["start"]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("NODE_ENV=production");
    expect(await readdir(folder)).toEqual([]);
  });
});

/** Runs a program of the project in the empty folder, with nothing of this environment but what it needs. */
function start(
  file: string,
  env: Record<string, string>,
  args: string[] = [],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, file), ...args],
      {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, STEWARD_HOME: join(folder, "home"), ...env },
        timeout: 20_000,
      },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
