import { type AddressInfo, createServer } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measurePostgres } from "../../src/targets/postgres.ts";
import { type TestDatabase, testDatabase } from "../servers/postgres.ts";
import { freePort } from "../servers/run.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("measure");
});
afterAll(() => database.drop());

describe("measuring Postgres", () => {
  it("counts the connections in use", async () => {
    const before = await measurePostgres(database.url, 5_000);
    expect(before.version).toMatch(/^\d+/);
    expect(before.maxConnections).toBeGreaterThan(before.connections);
    expect(before.latencyMs).toBeGreaterThan(0);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    expect((await measurePostgres(database.url, 5_000)).connections).toBeGreaterThanOrEqual(2);
    await client.end();
  });

  it("tells a refused login from a server that is not there or hangs", async () => {
    const missing = database.url.replace(database.name, "no_such_database");
    await expect(measurePostgres(missing, 5_000)).rejects.toMatchObject({ code: "postgres_login" });
    await expect(
      measurePostgres(`postgres://steward@127.0.0.1:${await freePort()}/shop`, 2_000),
    ).rejects.toMatchObject({
      code: "postgres_unreachable",
      message: "Postgres is not reachable: connection refused",
    });
    const hanging = createServer(() => {});
    await new Promise<void>((ready) => hanging.listen(0, "127.0.0.1", ready));
    const { port } = hanging.address() as AddressInfo;
    await expect(measurePostgres(`postgres://steward@127.0.0.1:${port}/shop`, 200)).rejects.toMatchObject({
      code: "postgres_timeout",
      message: "Postgres did not answer within 0.2 s",
    });
    hanging.close();
  });
});
