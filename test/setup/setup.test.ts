import { execFile, spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { runFolder } from "../servers/run.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");

/** Stands in for npm: notes its arguments, takes a moment, and leaves what the lock file says. */
const NPM = `
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
appendFileSync("calls", process.argv.slice(2).join(" ") + "\\n");
if (existsSync("busy")) { appendFileSync("calls", "two at once\\n"); process.exit(1); }
if (existsSync("broken")) { console.error("npm error the registry is away"); process.exit(1); }
writeFileSync("busy", "");
rmSync("node_modules", { recursive: true, force: true });
await new Promise((resolve) => setTimeout(resolve, 400));
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const kept = Object.entries(packages).filter(([path, entry]) => path && !(entry.dev && process.argv.includes("--omit=dev")));
mkdirSync("node_modules");
writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages: Object.fromEntries(kept) }));
rmSync("busy");
`;

let clone: string;

beforeEach(async () => {
  clone = await mkdtemp(join(await runFolder(), "clone-"));
  await cp(join(ROOT, "bin"), join(clone, "bin"), { recursive: true });
  await writeFile(join(clone, "package.json"), '{"type":"module"}');
  await mkdir(join(clone, "npm"));
  await writeFile(join(clone, "npm", "npm-cli.js"), NPM);
  await writeLock("1.0.0");
});

test("a fresh clone is installed once, without the tools for tests", async () => {
  await setup();
  expect(await calls()).toEqual([expect.stringMatching(/^ci --omit=dev .*--loglevel=error/)]);
  await setup();
  expect(await calls()).toHaveLength(1);
});

test("tests want their tools too, and a plain start keeps them", async () => {
  await setup();
  await setup("--dev");
  await setup("--dev");
  await setup();
  expect(await calls()).toEqual([
    expect.stringContaining("--omit=dev"),
    expect.stringContaining("--include=dev"),
  ]);
});

test("a changed lock file is installed, and so is an installation that was interrupted", async () => {
  await setup();
  await writeLock("1.0.1");
  await setup();
  await rm(join(clone, "node_modules", ".package-lock.json"));
  await setup();
  expect(await calls()).toHaveLength(3);
});

test("two calls at once install one after the other, and the second has nothing to do", async () => {
  await Promise.all([setup(), setup(), setup()]);
  expect(await calls()).toHaveLength(1);
});

test("the lock of a killed call holds nobody up", async () => {
  const lock = join(clone, ".steward", "setup.lock");
  await mkdir(lock, { recursive: true });
  const gone = spawn("true");
  await new Promise((resolve) => gone.once("exit", resolve));
  await writeFile(join(lock, "pid"), String(gone.pid));
  await setup();
  expect(await calls()).toHaveLength(1);
  await expect(stat(lock)).rejects.toThrow();
});

test("a failure shows npm's own words", async () => {
  await writeFile(join(clone, "broken"), "");
  const failed = await setup().catch((error) => error);
  expect(failed).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("npm error the registry is away"),
  });
  expect(failed.stderr).toMatch(/npm ci .* failed\n$/);
});

test("a link to bin/steward.js works from another folder, and arguments reach the command line", async () => {
  await mkdir(join(clone, "src"));
  await writeFile(
    join(clone, "src", "cli.ts"),
    "console.log(JSON.stringify(process.argv.slice(2) as string[]));",
  );
  const elsewhere = await mkdtemp(join(await runFolder(), "elsewhere-"));
  await symlink(join(clone, "bin", "steward.js"), join(elsewhere, "steward"));
  const { stdout } = await run(process.execPath, ["./steward", "doctor", "--json", "a b"], {
    cwd: elsewhere,
  });
  expect(JSON.parse(stdout)).toEqual(["doctor", "--json", "a b"]);
});

test.each([
  ["nothing is configured", {}, null, "sandbox"],
  ["there is a token", { SLACK_BOT_TOKEN: "xoxb-1" }, null, "main"],
  ["a config is named", { STEWARD_CONFIG: "elsewhere.yml" }, null, "main"],
  ["there is a steward.yml", {}, "steward.yml", "main"],
  ["a token is there in production", { SLACK_SIGNING_SECRET: "s", NODE_ENV: "production" }, null, "main"],
])("start, when %s", async (_, variables, file, expected) => {
  await mkdir(join(clone, "src", "sandbox"), { recursive: true });
  await writeFile(join(clone, "src", "main.ts"), 'console.log("main");');
  await writeFile(join(clone, "src", "sandbox", "main.ts"), 'console.log("sandbox");');
  if (file) await writeFile(join(clone, file), "");
  expect((await steward(variables)).stdout).toBe(`${expected}\n`);
});

test("start refuses the sandbox in production with one line", async () => {
  const refused = await steward({ NODE_ENV: "production" }).catch((error) => error);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr.trim().split("\n")).toHaveLength(1);
  expect(refused.stderr).toContain("NODE_ENV=production");
});

test("an old Node without Node 24 beside it gets one clear line", async () => {
  await setup();
  const failed: Error & { code?: number; stderr?: string } = await runOld("bin/setup.js").catch(
    (error) => error,
  );
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/Steward needs Node 24 or newer; this is v20\.0\.0.*\n$/);
});

test("an old Node starts the Node 24 that npm installed, hands signals on and gives its exit code", async () => {
  await mkdir(join(clone, "node_modules", ".bin"), { recursive: true });
  await symlink(process.execPath, join(clone, "node_modules", ".bin", "node"));
  await mkdir(join(clone, "src"));
  const cli = 'process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000); console.log("up");';
  await writeFile(join(clone, "src", "cli.ts"), cli);
  const child = spawn(process.execPath, [...(await pretendOld()), "bin/steward.js", "x"], { cwd: clone });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  for await (const chunk of child.stdout) if (String(chunk).includes("up")) break;
  child.kill("SIGTERM");
  expect(await ended).toBe(7);
});

async function setup(...args: string[]): Promise<void> {
  await run(process.execPath, ["bin/setup.js", ...args], { cwd: clone, env: environment() });
}

function steward(variables: Record<string, string>): Promise<{ stdout: string }> {
  return run(process.execPath, ["bin/steward.js", "start"], {
    cwd: clone,
    env: { ...environment(), ...variables },
  });
}

function environment(): Record<string, string> {
  return { PATH: process.env.PATH ?? "", npm_execpath: join(clone, "npm", "npm-cli.js") };
}

async function runOld(file: string): Promise<never> {
  const { stdout } = await run(process.execPath, [...(await pretendOld()), file], {
    cwd: clone,
    env: environment(),
  });
  throw new Error(`it went well: ${stdout}`);
}

/** Node's arguments that make it say that it is version 20. */
async function pretendOld(): Promise<string[]> {
  const file = join(clone, "old.cjs");
  await writeFile(file, 'Object.defineProperty(process, "version", { value: "v20.0.0" });');
  await chmod(file, 0o644);
  return ["--require", file];
}

async function writeLock(version: string): Promise<void> {
  const packages = {
    "": { name: "steward" },
    "node_modules/needed": { version, integrity: `sha512-${version}` },
    "node_modules/tool": { version: "2.0.0", dev: true },
    "node_modules/elsewhere-arm64": { version: "3.0.0", optional: true },
  };
  await writeFile(join(clone, "package-lock.json"), JSON.stringify({ packages }));
}

async function calls(): Promise<string[]> {
  return (await readFile(join(clone, "calls"), "utf8")).trim().split("\n");
}
