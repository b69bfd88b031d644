import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Reading } from "../../../src/journal/types.ts";
import type { Host } from "../../../src/targets/host.ts";
import { declaredChecks } from "../../../src/tasks/checks/declared.ts";
import { checkUnits, findCheck } from "../../../src/tasks/checks/index.ts";
import { measureCheck, measureService } from "../../../src/tasks/checks/measure.ts";
import { type TestDatabase, testDatabase } from "../../servers/postgres.ts";
import { redisServer, type TestRedis } from "../../servers/redis.ts";
import { freePort } from "../../servers/run.ts";
import { hostWith, serviceOf } from "../world.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
}

/** The one reading of a service that declares this one check. */
async function measure(
  check: Record<string, unknown>,
  more: Record<string, unknown> = {},
  host: Host = hostWith(),
  variables: Record<string, string> = {},
): Promise<Reading> {
  const service = serviceOf({ checks: [check], ...more }, variables);
  const readings = await measureService(service, { hostOf: () => host });
  expect(readings).toHaveLength(1);
  return readings[0]!;
}

describe("every check", () => {
  it("has a title, help, and defaults for all its parameters", () => {
    for (const check of Object.keys(checkUnits()).map((type) => findCheck(type)!)) {
      expect(check.title).not.toBe("");
      expect(check.help).toMatch(/\.$/);
      expect(() => check.params.parse({})).not.toThrow();
    }
  });
});

describe("host checks", () => {
  it("say what is observed against what is allowed", async () => {
    expect(await measure({ type: "cpu" }, {}, hostWith({ cpu: 93.2 }))).toMatchObject({
      state: "critical",
      summary: "cpu 93 % > 90 % (critical)",
      value: 93.2,
      unit: "%",
      component: "host",
    });
    expect(await measure({ type: "cpu" }, {}, hostWith({ cpu: 90.04 }))).toMatchObject({
      state: "critical",
      summary: "cpu just over 90 % (critical)",
    });
    expect(await measure({ type: "cpu" }, {}, hostWith({ cpu: 80 }))).toMatchObject({
      state: "ok",
      summary: "cpu 80 %",
    });
    expect(await measure({ type: "memory" }, {}, hostWith({ memory: 85 }))).toMatchObject({
      state: "warning",
      summary: "memory 85 % of 8 GiB > 80 % (warning)",
    });
    expect(
      await measure({ type: "disk", path: "/data", warning: 10, critical: 20 }, {}, hostWith({ disk: 15 })),
    ).toMatchObject({
      state: "warning",
      summary: "disk /data 15 % (9 GiB free) > 10 % (warning)",
      evidence: { path: "/data" },
    });
  });
});

describe("the http check", () => {
  const health = (url: string, more: Record<string, unknown> = {}) => ({ health: { url, ...more } });

  it("is ok when status and body are as expected, and says how fast", async () => {
    const url = await serve((_, response) =>
      response.end(JSON.stringify({ status: "healthy", database: { ok: true } })),
    );
    const reading = await measure(
      { type: "http" },
      health(url, { json: { status: "healthy", "database.ok": true } }),
    );
    expect(reading).toMatchObject({ state: "ok", unit: "s", component: "application" });
    expect(reading.summary).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/health 200 in \d+ ms$/);
    expect(reading.value).toBeGreaterThan(0);
  });

  it("never takes unhealthy for healthy", async () => {
    const url = await serve((_, response) => response.end(JSON.stringify({ status: "unhealthy" })));
    expect(await measure({ type: "http" }, health(url, { json: { status: "healthy" } }))).toMatchObject({
      state: "critical",
      summary: `GET ${url} 200, but status is "unhealthy", expected "healthy" (critical)`,
    });
    expect(await measure({ type: "http" }, health(url, { json: { "status.deep": 1 } }))).toMatchObject({
      state: "critical",
      summary: expect.stringContaining("status.deep is missing, expected 1"),
    });
  });

  it("is critical on a wrong status, a wrong body, or a body that is not JSON", async () => {
    const url = await serve((_, response) => response.writeHead(503).end("down"));
    expect(await measure({ type: "http" }, health(url))).toMatchObject({
      state: "critical",
      summary: `GET ${url} 503, expected 200 (critical)`,
    });
    expect(await measure({ type: "http", body: "up" }, health(url, { status: 503 }))).toMatchObject({
      state: "critical",
      summary: `GET ${url} 503, but the body lacks "up" (critical)`,
    });
    expect(await measure({ type: "http", json: { a: 1 } }, health(url, { status: 503 }))).toMatchObject({
      state: "critical",
      summary: expect.stringContaining("the body is not JSON"),
    });
  });

  it("judges the latency by its thresholds", async () => {
    const url = await serve((_, response) => void setTimeout(() => response.end(), 60));
    expect(await measure({ type: "http", warning: 0.02 }, health(url))).toMatchObject({
      state: "warning",
      summary: expect.stringMatching(/ 200 in \d+ ms > 20 ms \(warning\)$/),
    });
    expect(await measure({ type: "http", warning: 0.01, critical: 0.02 }, health(url))).toMatchObject({
      state: "critical",
    });
  });

  it("is critical when the service refuses or does not answer in time", async () => {
    const url = `http://127.0.0.1:${await freePort()}/health`;
    expect(await measure({ type: "http" }, health(url))).toMatchObject({
      state: "critical",
      summary: `GET ${url}: connection refused (critical)`,
      value: null,
    });
    const hanging = await serve(() => {});
    expect(await measure({ type: "http", timeout: "100ms" }, health(hanging))).toMatchObject({
      state: "critical",
      summary: `GET ${hanging}: no answer within 0.1 s (critical)`,
    });
  });

  it("that lacks a url is unknown, never ok", async () => {
    expect(await measure({ type: "http" })).toMatchObject({
      state: "unknown",
      summary: expect.stringContaining("health.url"),
    });
  });
});

describe("the version check", () => {
  it("carries the version that the service names", async () => {
    const url = await serve((_, response) => response.end(JSON.stringify({ app: { version: "1.1.0" } })));
    const health = { url, version: "app.version" };
    expect(await measure({ type: "version" }, { health })).toMatchObject({
      state: "ok",
      summary: "version 1.1.0",
      evidence: { version: "1.1.0" },
    });
    expect(await measure({ type: "version", path: "nothing" }, { health })).toMatchObject({
      state: "unknown",
      summary: "version not named: nothing is missing",
    });
  });

  it("is unknown when the service cannot be asked", async () => {
    const url = `http://127.0.0.1:${await freePort()}/health`;
    expect(await measure({ type: "version" }, { health: { url, version: "version" } })).toMatchObject({
      state: "unknown",
      summary: expect.stringContaining("connection refused"),
    });
  });
});

describe("the postgres and redis checks", () => {
  let database: TestDatabase;
  let redis: TestRedis;
  beforeAll(async () => {
    [database, redis] = await Promise.all([testDatabase("checks"), redisServer()]);
  });
  afterAll(() => Promise.all([database.drop(), redis.stop()]));
  const withDatabase = (check: Record<string, unknown>, url: string) =>
    measure(check, { database: { url: { env: "SHOP_DB" } } }, hostWith(), { SHOP_DB: url });

  it("measure servers that are well", async () => {
    const reading = await withDatabase({ type: "postgres" }, database.url);
    expect(reading).toMatchObject({
      state: "ok",
      component: "database",
      unit: "%",
      summary: expect.stringMatching(/^postgres connections [\d.]+ % \(\d+ of \d+\)$/),
    });
    expect(await withDatabase({ type: "postgres", critical: 0, warning: 0 }, database.url)).toMatchObject({
      state: "critical",
      summary: expect.stringMatching(/> 0 % \(critical\)$/),
    });
    expect(
      await measure({ type: "redis", warning: 5, critical: 9 }, { redis: { url: redis.url } }),
    ).toMatchObject({
      state: "ok",
      component: "cache",
      summary: expect.stringMatching(/^redis answers in \d+ ms$/),
    });
  });

  it("are critical when nobody is there, unknown when it is our login that is wrong", async () => {
    const port = await freePort();
    expect(await withDatabase({ type: "postgres" }, `postgres://127.0.0.1:${port}/shop`)).toMatchObject({
      state: "critical",
      summary: "Postgres is not reachable: connection refused (critical)",
    });
    expect(await measure({ type: "redis" }, { redis: { url: `redis://127.0.0.1:${port}` } })).toMatchObject({
      state: "critical",
      summary: "Redis is not reachable: connection refused (critical)",
    });
    expect(
      await withDatabase({ type: "postgres" }, database.url.replace(database.name, "no_such")),
    ).toMatchObject({ state: "unknown", summary: expect.stringContaining("refuses the login") });
  });
});

describe("a measurement", () => {
  it("that throws or hangs reads unknown, within its time", async () => {
    const thrown = await measure(
      { type: "disk" },
      {},
      hostWith({}, { disk: () => Promise.reject(new Error("ENOENT: no such path\n    at stack")) }),
    );
    expect(thrown).toMatchObject({
      state: "unknown",
      summary: "disk unknown: ENOENT: no such path",
      value: null,
    });
    const began = performance.now();
    const hung = await measure(
      { type: "disk", timeout: "100ms" },
      {},
      hostWith({}, { disk: () => new Promise(() => {}) }),
    );
    expect(hung).toMatchObject({ state: "unknown", summary: "disk unknown: no result within 0.1 s" });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it("ends when it is broken off", async () => {
    const [planned] = declaredChecks(serviceOf({ checks: [{ type: "disk" }] }));
    const stop = new AbortController();
    const measuring = measureCheck(
      planned!,
      { hostOf: () => hostWith({}, { disk: () => new Promise(() => {}) }) },
      stop.signal,
    );
    stop.abort();
    expect(await measuring).toMatchObject({
      state: "unknown",
      summary: "disk unknown: the measurement was broken off",
    });
  });

  it("of a service is of all its checks, or of the types that are asked for", async () => {
    const service = serviceOf({
      checks: [{ type: "cpu" }, { type: "disk" }, { type: "disk", path: "/data" }],
    });
    const deps = { hostOf: () => hostWith() };
    expect((await measureService(service, deps)).map((reading) => reading.check)).toEqual([
      "cpu",
      "disk",
      "disk-2",
    ]);
    expect((await measureService(service, deps, { only: ["disk"] })).map((reading) => reading.check)).toEqual(
      ["disk", "disk-2"],
    );
  });
});

describe("declared checks", () => {
  it("follow from what the service consists of when it declares none", () => {
    expect(declaredChecks(serviceOf({})).map(({ name }) => name)).toEqual(["cpu", "memory", "disk"]);
    const whole = serviceOf({
      health: { url: "http://localhost/health", version: "version" },
      database: { url: "postgres://localhost/shop" },
      redis: { url: "redis://localhost" },
    });
    const planned = declaredChecks(whole);
    expect(planned.map(({ name }) => name)).toEqual([
      "cpu",
      "memory",
      "disk",
      "http",
      "version",
      "postgres",
      "redis",
    ]);
    expect(planned[3]).toMatchObject({
      everyMs: 30_000,
      timeoutMs: 5_000,
      bad: { k: 2, n: 3 },
      good: 3,
      params: { warning: 1, critical: 3 },
    });
  });

  it("take what they say, and names of their own that stay unique", () => {
    const planned = declaredChecks(
      serviceOf({
        checks: [
          { type: "disk" },
          { type: "disk", path: "/data", every: "1m", timeout: "2s", bad: "1 of 1", good: 1 },
          { type: "cpu", name: "disk-2" },
        ],
      }),
    );
    expect(planned.map(({ name }) => name)).toEqual(["disk", "disk-3", "disk-2"]);
    expect(planned[1]).toMatchObject({
      everyMs: 60_000,
      timeoutMs: 2_000,
      bad: { k: 1, n: 1 },
      good: 1,
      params: { path: "/data" },
    });
  });
});
