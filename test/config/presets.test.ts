/** What a preset fills in, and that its commands do what they say: run with the real tools where those are to be had. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Config, parseConfig, readEnvironment } from "../../src/config.ts";
import { fillCommand } from "../../src/runbooks/arguments.ts";
import { localHost } from "../../src/targets/host.ts";
import { checkUnits } from "../../src/tasks/checks/index.ts";
import { findOrInstall, programPath } from "../servers/apt.ts";

const examples = join(import.meta.dirname, "../../examples");
/** Debian's own, whose packages are apt's; another may stand before it on PATH. */
const PYTHON = "/usr/bin/python3";
const url = "postgres://shop:hunter22@localhost/shop";
const variables = { SHOP_DATABASE_URL: url, SHOP_ADMIN_DATABASE_URL: url };

const read = (input: object): Config =>
  parseConfig(input, readEnvironment(variables), { checks: checkUnits(), tasks: ["health"] });
const example = async (name: string): Promise<Config> =>
  read(parse(await readFile(join(examples, `${name}.yml`), "utf8")) as object);
const host = localHost({ redact: (text) => text, environment: process.env });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "steward-preset-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(command: string[], values: Record<string, string> = {}): Promise<string> {
  // npm hears of its registry this way, where one has been set for the tests
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(npm_config_|NODE_EXTRA_CA_CERTS$)/i.test(name)),
  ) as Record<string, string>;
  const result = await host.run(fillCommand(command, values), { cwd: folder, timeoutMs: 120_000, env });
  expect(result, result.output).toMatchObject({ exitCode: 0 });
  return result.output;
}

describe("a preset", () => {
  it.each(["git-npm", "git-pip-alembic-systemd", "docker-compose", "kubectl"])(
    "examples/%s.yml is a whole config",
    async (name) => {
      const { commands, repository } = (await example(name)).services[0]!;
      expect(repository?.path).toMatch(/^\/srv/);
      expect(commands.install).toBeDefined();
      expect(commands.restart).toBeDefined();
    },
  );

  it("gives way to what the service says itself, in each of its environments", () => {
    const config = read({
      slack: { channel: "ops", incidents: "incidents" },
      services: {
        shop: {
          preset: "git-npm",
          environments: { staging: { commands: { install: ["npm", "install"] } }, production: {} },
        },
      },
    });
    const [staging, production] = config.services;
    expect(staging!.commands.install).toEqual(["npm", "install"]);
    expect(production!.commands.install).toEqual(["npm", "ci"]);
    expect(production!.commands.restart).toEqual(["systemctl", "restart", "shop"]);
  });

  it("that does not exist is refused with those that do", () => {
    const services = { shop: { preset: "git-mpm" } };
    expect(() => read({ slack: { channel: "o", incidents: "i" }, services })).toThrow(
      /services.shop.preset: 'git-mpm'; allowed: git-npm, git-pip-alembic-systemd/,
    );
  });
});

describe("placeholders", () => {
  const commands = (command: Record<string, string[]>) => () =>
    read({ slack: { channel: "o", incidents: "i" }, services: { shop: { commands: command } } });

  it.each([
    [{ bump: ["npm", "version", "v{version}"] }, /bump\[2\].*\{version\}, each as a whole argument/],
    [{ down: ["migrate", "{package}"] }, /\{version\}, \{count\}, \{back\}, \{migration\}/],
    [{ restart: ["systemctl", "restart", "{version}"] }, /without placeholders/],
  ])("%j is refused", (command, message) => {
    expect(commands(command)).toThrow(message);
  });

  it("stand for whole arguments, and a value never becomes an option", () => {
    expect(fillCommand(["a", "{version}", '{"json": 1}'], { version: "1; rm" })).toEqual([
      "a",
      "1; rm",
      '{"json": 1}',
    ]);
    expect(fillCommand(["a", "{back}"], { back: "-2" })).toEqual(["a", "-2"]);
    for (const version of ["--force", "-x", ""])
      expect(() => fillCommand(["a", "{version}"], { version })).toThrow(
        expect.objectContaining({ code: "bad_command_template" }),
      );
    expect(() => fillCommand(["a{version}"], { version: "1" })).toThrow(/whole arguments/);
  });
});

describe("git-npm, run with npm", () => {
  it("bumps the version and pins a package in package.json and the lock file", async () => {
    const { bump, pin } = (await example("git-npm")).services[0]!.commands;
    await writeFile(join(folder, "package.json"), '{"name":"shop","version":"1.0.0"}\n');
    await run(bump!, { version: "1.1.0" });
    await run(pin!, { package: "left-pad", version: "1.3.0" });
    expect(JSON.parse(await readFile(join(folder, "package.json"), "utf8"))).toMatchObject({
      version: "1.1.0",
      dependencies: { "left-pad": "1.3.0" },
    });
    expect(await readFile(join(folder, "package-lock.json"), "utf8")).toMatch(
      /node_modules\/left-pad": \{\s+"version": "1.3.0"/,
    );
  }, 120_000);
});

describe("git-pip-alembic-systemd, run with pip and Alembic (systemctl is not run: there is no systemd in tests)", () => {
  it("installs, migrates, takes back as many migrations as it is told, and pins a package", async () => {
    const { install, migrate, down, pin } = (await example("git-pip-alembic-systemd")).services[0]!.commands;
    await findOrInstall("Python with venv and Alembic", ["python3-venv", "alembic"], async () =>
      (await promisify(execFile)(PYTHON, ["-c", "import venv, ensurepip, alembic"]).then(
        () => true,
        () => false,
      ))
        ? programPath("alembic")
        : null,
    );
    await run([PYTHON, "-m", "venv", "--system-site-packages", ".venv"]);
    await symlink((await programPath("alembic"))!, join(folder, ".venv/bin/alembic"));
    await writeFile(join(folder, "requirements.txt"), "alembic\nFlask_Login[x]>=0.5 # old\n");
    await run(pin!, { package: "flask-login", version: "0.6.3" });
    await run(pin!, { package: "itsdangerous", version: "2.2.0" });
    expect(await readFile(join(folder, "requirements.txt"), "utf8")).toBe(
      "alembic\nFlask_Login[x]==0.6.3\nitsdangerous==2.2.0\n",
    );
    // only what is there already: the packages' index is not to be had in tests
    await writeFile(join(folder, "requirements.txt"), "alembic\n");
    await run(install!);
    await run([PYTHON, "-m", "alembic.config", "init", "alembic"]);
    const ini = await readFile(join(folder, "alembic.ini"), "utf8");
    await writeFile(
      join(folder, "alembic.ini"),
      ini.replace(/^sqlalchemy.url = .*$/m, "sqlalchemy.url = sqlite:///shop.db"),
    );
    await mkdir(join(folder, "alembic/versions"), { recursive: true });
    for (const [revision, before] of [
      ["f1", null],
      ["a2", "f1"],
      ["c3", "a2"],
    ] as const)
      await writeFile(
        join(folder, `alembic/versions/${revision}_step.py`),
        `from alembic import op\nrevision = "${revision}"\ndown_revision = ${before ? `"${before}"` : "None"}\ndef upgrade(): op.execute("create table t_${revision} (id int)")\ndef downgrade(): op.execute("drop table t_${revision}")\n`,
      );
    await run(migrate!);
    expect(await run([".venv/bin/alembic", "current"])).toContain("c3 (head)");
    await run(down!, { back: "-2" });
    expect(await run([".venv/bin/alembic", "current"])).toContain("f1");
  }, 180_000);
});
