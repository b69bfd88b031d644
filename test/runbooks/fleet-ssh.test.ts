/** A service on ten hosts: ten OpenSSH servers on addresses of their own, each with its own file system at the checkout's path. */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hostOf } from "../../src/config/service.ts";
import { listAttempts } from "../../src/journal/attempts.ts";
import { transaction } from "../../src/journal/database.ts";
import type { Reading, Run } from "../../src/journal/types.ts";
import { decideStuck } from "../../src/runbooks/requests.ts";
import { rollback } from "../../src/runbooks/rollback.ts";
import { update } from "../../src/runbooks/update.ts";
import { type Hosts, openHosts } from "../../src/targets/hosts.ts";
import { cannotMount, sshServer, type TestSshServer } from "../servers/sshd.ts";
import { declarationOf, sshShop } from "../targets/ssh-shop.ts";
import { type House, openHouse } from "./house.ts";

const HOSTS = 10;
const why = await cannotMount();

let servers: TestSshServer[] = [];
let folder: string;
let hosts: Hosts;
let house: House;
let path: string;
let readings: Reading[] = [];

const reading = (state: Reading["state"]): Reading => ({
  service: "shop",
  check: "http",
  type: "http",
  component: "application",
  state,
  summary: state === "ok" ? "200" : "500 ≠ 200 (critical)",
  value: null,
  unit: "",
  at: new Date().toISOString(),
  durationMs: 1,
});

describe.skipIf(why !== null)(
  `a roll over ten hosts by SSH${why ? ` (not run: ${why})` : ""}`,
  { timeout: 240_000 },
  () => {
    beforeAll(async () => {
      folder = await realpath(await mkdtemp(join(tmpdir(), "steward-fleet-")));
      const origin = await sshServer();
      const shop = await sshShop(origin, folder);
      path = shop.path;
      servers = await Promise.all(
        Array.from({ length: HOSTS }, async (_, index) => {
          const own = join(folder, `host-${index + 1}`);
          await cp(path, own, { recursive: true });
          return await sshServer({ host: `127.0.0.${index + 2}`, mount: { from: own, at: path } });
        }),
      );
      const declared = servers.map((server, index) => ({
        name: `web-${index + 1}`,
        ...declarationOf(server),
      }));
      house = await openHouse([update, rollback], {
        readings: () => readings,
        services: {
          shop: {
            fleet: {
              strategy: "canary",
              batch: 3,
              groups: { canary: declared.slice(0, 1), web: declared.slice(1) },
            },
            repository: { path },
            health: { url: "http://127.0.0.1:1/" },
            commands: { restart: ["sh", "-c", "test ! -e broken && cat version >> restarts"] },
            runbooks: { update: { good: 1, goodEvery: "10ms", goodWithin: "50ms", watch: "0ms" } },
          },
        },
      });
      hosts = openHosts({
        redact: house.context.redact,
        environment: { PATH: process.env.PATH, HOME: shop.home },
      });
      house.context.host = (service, lane) => (service ? hosts.of(hostOf(service, lane)) : hosts.here);
      servers.push(origin);
    }, 120_000);
    afterAll(async () => {
      await house?.close();
      await hosts?.close();
      await Promise.all(servers.map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    });
    beforeEach(() => {
      readings = [reading("ok")];
    });

    const onHosts = (file: string) =>
      Promise.all(
        Array.from({ length: HOSTS }, (_, index) =>
          readFile(join(folder, `host-${index + 1}`, file), "utf8").catch(() => ""),
        ),
      );
    const all = (text: string) => Array.from({ length: HOSTS }, () => text);

    async function run(runbook: string, args: Record<string, string>): Promise<Run> {
      const id = await house.ask(runbook, "shop", args);
      const asked = await house.until(id, ["awaiting_approval", "void"], 120_000);
      if (asked.state === "void") throw new Error(JSON.stringify(asked.error));
      await house.approve(id);
      return await house.until(id, ["succeeded", "failed", "undone", "needs_decision"], 180_000);
    }

    it("is stopped by bad readings after the canary, and only the canary was touched", async () => {
      const id = await house.ask("update", "shop", { version: "1.1.0" });
      await house.until(id, ["awaiting_approval"], 120_000);
      readings = [reading("critical")];
      await house.approve(id);
      const stopped = await house.until(id, ["undone", "needs_decision", "succeeded"], 120_000);
      // on the way back the service is verified, and bad readings leave that to a person as well
      expect(stopped.error).toMatchObject({ code: "verify_failed" });
      expect(await onHosts("restarts")).toEqual(["1.1.01.0.0", ...all("").slice(1)]);
      const touched = new Set(
        (await listAttempts(house.context.journal, id)).map(({ step }) => step.split(":")[1]).filter(Boolean),
      );
      expect([...touched]).toEqual(["web-1"]);
      await house.context.journal.query("update runs set state = 'failed' where id = $1", [id]);
    });

    it("is stopped by a host that fails, and all that were touched go back", async () => {
      await writeFile(join(folder, "host-6", "broken"), "");
      const stopped = await run("update", { version: "1.1.0" });
      expect(stopped).toMatchObject({ state: "needs_decision" });
      // the broken host's own restart fails on the way back too: that is for a person
      expect(stopped.decision).toMatchObject({ step: "way-back:web-6", direction: "undo" });
      expect((await onHosts("version")).slice(7)).toEqual(all("1.0.0").slice(7));
      await rm(join(folder, "host-6", "broken"));
      await transaction(house.context.journal, (tx) =>
        decideStuck(house.context, tx, {
          runId: stopped.id,
          actor: { kind: "person", id: "U0OLGA" },
          choice: "retry",
        }),
      );
      await house.until(stopped.id, ["undone"], 120_000);
      expect(await onHosts("version")).toEqual(all("1.0.0"));
    });

    it("brings every host to the exact commit, the canary alone first, then three at a time", async () => {
      const done = await run("update", { version: "1.1.0" });
      expect(done).toMatchObject({ state: "succeeded", error: null });
      // each host by its address: another one under the same name would be another plan
      expect(new Set(done.plan!.subject.hosts as string[]).size).toBe(HOSTS);
      expect(await onHosts("version")).toEqual(all("1.1.0"));
      const attempts = await listAttempts(house.context.journal, done.id);
      const hostsUsed = attempts
        .filter(({ step }) => step.startsWith("restart:"))
        .map((one) => one.process?.host);
      expect(new Set(hostsUsed).size).toBe(HOSTS);
      const time = (step: string, edge: "startedAt" | "endedAt") =>
        attempts.find((attempt) => attempt.step === step)![edge]!.getTime();
      expect(time("checkout:web-2", "startedAt")).toBeGreaterThanOrEqual(time("readings-1", "endedAt"));
      expect(time("checkout:web-3", "startedAt")).toBeLessThan(time("restart:web-2", "endedAt"));
      expect(time("checkout:web-5", "startedAt")).toBeGreaterThanOrEqual(time("readings-2", "endedAt"));
    });

    it("says which host is behind, and brings it along on the way back", async () => {
      const repository = join(folder, "host-3");
      await promisify(execFile)("git", ["-C", repository, "checkout", "--quiet", "--detach", "v1.0.0"]);
      const done = await run("rollback", { version: "1.0.0" });
      expect(done.plan!.context.warnings).toContain("web-3 stands at 1.0.0 and joins the others");
      expect(done.state).toBe("succeeded");
      expect(await onHosts("version")).toEqual(all("1.0.0"));
    });
  },
);
