import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StewardError } from "../../src/errors.ts";
import { listAttempts } from "../../src/journal/attempts.ts";
import { loadRun } from "../../src/journal/runs.ts";
import type { Reading } from "../../src/journal/types.ts";
import { restart } from "../../src/runbooks/restart.ts";
import { update } from "../../src/runbooks/update.ts";
import { type Hosts, openHosts } from "../../src/targets/hosts.ts";
import { sshServer, type TestSshServer } from "../servers/sshd.ts";
import { declarationOf, sshShop } from "../targets/ssh-shop.ts";
import { type House, openHouse } from "./house.ts";

let server: TestSshServer;
let folder: string;
let hosts: Hosts;
let house: House;
let path: string;

const well: Reading = {
  service: "shop",
  check: "http",
  type: "http",
  component: "application",
  state: "ok",
  summary: "200",
  value: null,
  unit: "",
  at: new Date().toISOString(),
  durationMs: 1,
};

beforeAll(async () => {
  server = await sshServer();
  folder = await realpath(await mkdtemp(join(tmpdir(), "steward-ssh-house-")));
  const shop = await sshShop(server, folder);
  path = shop.path;
  house = await openHouse([update, restart], {
    readings: () => [well],
    services: {
      shop: {
        host: declarationOf(server),
        repository: { path },
        health: { url: "http://127.0.0.1:1/" },
        commands: { restart: ["sh", "-c", 'cat version >> restarts; echo "by $SSH_CONNECTION"'] },
        runbooks: { update: { good: 1, goodEvery: "10ms" } },
      },
    },
  });
  const { context } = house;
  hosts = openHosts({ redact: context.redact, environment: { PATH: process.env.PATH, HOME: shop.home } });
  context.host = (service) => (service ? hosts.of(service.host) : hosts.here);
});
afterAll(async () => {
  await house.close();
  await hosts.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("a service on a host over SSH", () => {
  it("is restarted there, and the journal knows the process by that host", async () => {
    const run = await done(await house.ask("restart"));
    expect(run.state).toBe("succeeded");
    const attempts = await listAttempts(house.context.journal, run.id);
    const attempt = attempts.find(({ step }) => step === "restart");
    expect(attempt?.process?.host).toBe(`ssh:${server.user}@${server.host}:${server.port}`);
    expect(attempt?.output).toContain("by \n");
    expect(await readFile(join(path, "restarts"), "utf8")).toBe("1.0.0");
  });

  it("is updated there to the exact commit; the plan says that its files are not backed up", async () => {
    const id = await house.ask("update", "shop", { version: "1.1.0" });
    const run = await done(id);
    expect(run.plan?.subject.host).toBe(`ssh:${server.user}@${server.host}:${server.port}`);
    expect(run.plan?.context.warnings.join()).toMatch(/Not backed up: its checkout/);
    expect(run.plan?.context.backup).toMatch(/this run takes none/);
    expect(run.plan?.steps.map(({ name }) => name)).not.toContain("backup");
    expect(run.state).toBe("succeeded");
    expect(await readFile(join(path, "version"), "utf8")).toBe("1.1.0");
    const { stdout } = await promisify(execFile)("git", ["-C", path, "rev-parse", "HEAD"]);
    expect(run.plan?.subject.toCommit).toBe(stdout.trim());
  });

  it("whose command may still run there waits for a decision: nothing is undone beside it", async () => {
    const { context } = house;
    const { host } = context;
    context.host = (service) => ({
      ...host(service),
      run: () => Promise.reject(new StewardError("ssh_unsure", "Process 7 cannot be proven to have ended")),
    });
    const run = await done(await house.ask("restart"));
    context.host = host;
    expect(run.state).toBe("needs_decision");
    expect(JSON.stringify(run.decision)).toContain("cannot be proven");
  });

  async function done(id: number) {
    const asked = await house.until(id, ["awaiting_approval", "void"]);
    if (asked.state === "void") throw new Error(JSON.stringify(asked.error));
    await house.approve(id);
    await house.until(id, ["succeeded", "failed", "undone", "needs_decision"], 30_000);
    return (await loadRun(house.context.journal, id))!;
  }
});
