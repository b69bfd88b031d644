import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measureRedis } from "../../src/targets/redis.ts";
import { redisServer, type TestRedis } from "../servers/redis.ts";
import { freePort } from "../servers/run.ts";

let redis: TestRedis;
beforeAll(async () => {
  redis = await redisServer();
});
afterAll(() => redis.stop());

describe("measuring Redis", () => {
  it("gives version, latency and memory", async () => {
    const measured = await measureRedis(redis.url, 5_000);
    expect(measured.version).toMatch(/^\d+\.\d+/);
    expect(measured.latencyMs).toBeGreaterThan(0);
    expect(measured.usedMemory).toBeGreaterThan(0);
    expect(measured.maxMemory).toBeGreaterThanOrEqual(0);
  });

  it("says what is wrong at once, without trying again", async () => {
    const began = performance.now();
    await expect(measureRedis(`redis://127.0.0.1:${await freePort()}`, 5_000)).rejects.toMatchObject({
      code: "redis_unreachable",
      message: "Redis is not reachable: connection refused",
    });
    expect(performance.now() - began).toBeLessThan(2_000);
    await expect(
      measureRedis(redis.url.replace("redis://", "redis://nobody:wrong@"), 5_000),
    ).rejects.toMatchObject({ code: "redis_login" });
    const hanging = createServer(() => {});
    await new Promise<void>((ready) => hanging.listen(0, "127.0.0.1", ready));
    const { port } = hanging.address() as AddressInfo;
    await expect(measureRedis(`redis://127.0.0.1:${port}`, 200)).rejects.toMatchObject({
      code: "redis_timeout",
      message: "Redis did not answer within 0.2 s",
    });
    hanging.close();
  });
});
