/** A service's database as its owner would have it: one role that owns and maintains, one that the application has. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { StewardError } from "../../src/errors.ts";
import {
  dumpCommand,
  type ServiceDatabase,
  serviceDatabase,
  withSnapshot,
} from "../../src/targets/database.ts";
import { urlFor } from "../../src/targets/database-url.ts";
import { type CommandOptions, type Host, localHost } from "../../src/targets/host.ts";
import { testServer } from "../servers/postgres.ts";

export interface ShopDatabase {
  database: ServiceDatabase;
  owner: string;
  app: string;
  ownerUrl: string;
  appUrl: string;
  host: Host;
  /** commands that `run` was given, as the machine's other users would see them */
  seen: string[][];
  run(command: readonly string[], options: Partial<CommandOptions>): Promise<void>;
  /** one statement on a connection of its own */
  as(url: string, sql: string): Promise<Record<string, unknown>[]>;
  superuser(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  connect(url: string): Promise<pg.Client>;
  /** databases of the server that belong to this one */
  databases(): Promise<string[]>;
  /** dumps it; gives the file and the rows that the dump holds */
  dump(): Promise<{ file: string; expectedRows: Record<string, number> }>;
  close(): Promise<void>;
}

const PASSWORD = "p@ss/w:rd %?1";

/** `name` gets a random tail, so that no two tests meet; `options` is what CREATE DATABASE takes. */
export async function shopDatabase(name = "shop", options = ""): Promise<ShopDatabase> {
  const server = await testServer();
  const tail = randomBytes(4).toString("hex");
  const [unique, owner, app] = [`${name}${tail}`, `owner ${tail}`, `app_${tail}`];
  const url = (role: string) => withRole(urlFor(server.url("postgres"), unique), role);
  const clients: pg.Client[] = [];
  const folder = await mkdtemp(join(tmpdir(), "steward-database-"));
  const host = localHost({
    redact: (text) => text,
    environment: { PATH: [server.clientFolder, process.env.PATH].filter(Boolean).join(":") },
  });
  const superuser = (sql: string, database = "postgres") =>
    query(urlFor(server.url("postgres"), database), sql);
  const [a, b, c] = [unique, owner, app].map((part) => pg.escapeIdentifier(part));
  const secret = pg.escapeLiteral(PASSWORD);
  await superuser(
    `create role ${b} login password ${secret} createdb createrole; create role ${c} login password ${secret};
     grant ${c} to ${b} with admin option; grant pg_monitor, pg_signal_backend to ${b}`,
  );
  await superuser(`create database ${a} owner ${b} ${options}`);
  await superuser(
    `grant usage on schema public to ${c};
     alter default privileges for role ${b} in schema public grant select, insert, update, delete on tables to ${c}`,
    unique,
  );
  await query(
    url(owner),
    `create table orders (id int primary key, item text);
     insert into orders select i, 'item ' || i from generate_series(1, 20) i`,
  );
  const seen: string[][] = [];
  const run: ShopDatabase["run"] = async (command, more) => {
    seen.push([...command]);
    const result = await host.run(command, { timeoutMs: 30_000, ...more });
    if (result.exitCode !== 0) throw new StewardError("command_failed", result.output.trim());
  };
  const database = serviceDatabase({ url: url(app), admin: url(owner) });
  return {
    database,
    owner,
    app,
    ownerUrl: url(owner),
    appUrl: url(app),
    host,
    seen,
    run,
    as: query,
    superuser,
    async connect(to) {
      const client = new pg.Client({ connectionString: to });
      client.on("error", () => {});
      await client.connect();
      clients.push(client);
      return client;
    },
    databases: async () =>
      (await superuser(`select datname from pg_database where datname like '%${tail}%' order by 1`)).map(
        (row) => String(row.datname),
      ),
    async dump() {
      const file = join(folder, "database.dump");
      const expectedRows = await withSnapshot(database.adminUrl, async (snapshot, rows) => {
        const { command, env } = dumpCommand(database.adminUrl, file, snapshot);
        await run(command, { env });
        return rows;
      });
      return { file, expectedRows };
    },
    async close() {
      for (const client of clients) await client.end().catch(() => {});
      const left = await superuser(`select datname from pg_database where datname like '%${tail}%'`);
      for (const { datname } of left)
        await superuser(`drop database ${pg.escapeIdentifier(String(datname))} with (force)`);
      await superuser(`drop role if exists ${b}, ${c}`);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function withRole(url: string, role: string): string {
  return url.replace(
    /^([a-z]+:\/\/)(?:[^@/]*@)?/,
    (_, scheme: string) => `${scheme}${encodeURIComponent(role)}:${encodeURIComponent(PASSWORD)}@`,
  );
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
