/** The demo's database side: two roles, the first migration, and some orders to begin with. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import type { EmbeddedPostgres } from "../../journal/embedded.ts";

const run = promisify(execFile);

const DATABASE = "shop";
/** owns the database and its tables, runs migrations and restores */
const OWNER = "shop_owner";
/** what the shop connects as: it reads and writes rows, nothing else */
const APP = "shop_app";
const SEEDED_ORDERS = 40;
const ITEMS = ["Espresso beans", "Filter coffee", "Oat milk", "Cold brew", "Hand grinder"];
const CUSTOMERS = ["Ada", "Grace", "Linus", "Margaret", "Dennis", "Barbara", "Edsger"];

export interface ShopDatabase {
  appUrl: string;
  ownerUrl: string;
  appRole: string;
}

export type Postgres = Pick<EmbeddedPostgres, "url" | "ensureDatabase" | "query">;

/** Creates roles and database, and in an empty database the tables of the checkout and some orders. */
export async function createDatabase(
  postgres: Postgres,
  checkout: string,
  environment: Record<string, string | undefined>,
): Promise<ShopDatabase> {
  await postgres.ensureDatabase(DATABASE, OWNER);
  await postgres.query("postgres", ROLES);
  await postgres.query(DATABASE, GRANTS);
  const database = {
    appUrl: postgres.url(DATABASE, APP),
    ownerUrl: postgres.url(DATABASE, OWNER),
    appRole: APP,
  };
  const [orders] = await postgres.query(DATABASE, "SELECT to_regclass('public.orders') IS NOT NULL AS exist");
  if (!orders?.exist) {
    await run(process.execPath, ["migrate.js"], {
      cwd: checkout,
      env: { ...environment, SHOP_ADMIN_DATABASE_URL: database.ownerUrl },
    });
  }
  await seed(postgres);
  return database;
}

/** The owner can hold the app's writes off (its sessions, its settings) and restore into a fresh database. */
const ROLES = `
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${APP}') THEN CREATE ROLE ${APP} LOGIN; END IF;
END $$;
ALTER ROLE ${OWNER} CREATEDB CREATEROLE;
GRANT ${APP} TO ${OWNER} WITH ADMIN OPTION;
GRANT pg_monitor, pg_signal_backend TO ${OWNER};
`;

const GRANTS = `
GRANT USAGE ON SCHEMA public TO ${APP};
ALTER DEFAULT PRIVILEGES FOR ROLE ${OWNER} IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${APP};
ALTER DEFAULT PRIVILEGES FOR ROLE ${OWNER} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ${APP};
`;

async function seed(postgres: Postgres): Promise<void> {
  const [orders] = await postgres.query(DATABASE, "SELECT EXISTS (SELECT FROM orders) AS any");
  if (orders?.any) return;
  const rows = Array.from({ length: SEEDED_ORDERS }, (_, index) => ({
    reference: referenceOf(index),
    item: ITEMS[index % ITEMS.length],
    quantity: 1 + ((index * 7) % 4),
    customer: CUSTOMERS[(index * 3) % CUSTOMERS.length],
    hours_ago: (SEEDED_ORDERS - index) * 5,
  }));
  await postgres.query(
    DATABASE,
    `INSERT INTO orders (reference, item, quantity, customer, placed_at)
     SELECT reference, item, quantity, customer, now() - make_interval(hours => hours_ago)
     FROM jsonb_to_recordset($1::jsonb)
       AS t (reference uuid, item text, quantity integer, customer text, hours_ago integer)`,
    [JSON.stringify(rows)],
    OWNER,
  );
}

/** The same at every start, so that two starts at once don't seed twice. */
function referenceOf(index: number): string {
  const hash = createHash("sha256").update(`seeded order ${index}`).digest("hex");
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    hash.slice(12, 16),
    hash.slice(16, 20),
    hash.slice(20, 32),
  ].join("-");
}
