// Applies migrations/NNN_name.sql in order, each in a transaction of its own, each once.
const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { Client } = require("pg");

const FOLDER = join(__dirname, "migrations");

migrate().catch((error) => {
  console.error(`migration failed: ${error.message}`);
  process.exitCode = 1;
});

async function migrate() {
  const client = new Client({ connectionString: process.env.SHOP_ADMIN_DATABASE_URL });
  await client.connect();
  try {
    await client.query(
      "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const { rows } = await client.query("SELECT name FROM schema_migrations");
    const applied = new Set(rows.map((row) => row.name));
    const names = readdirSync(FOLDER).filter((name) => /^\d{3}_.*\.sql$/.test(name) && !applied.has(name));
    for (const name of names.sort()) await apply(client, name);
    console.log(names.length === 0 ? "nothing to migrate" : `${names.length} migrations applied`);
  } finally {
    await client.end();
  }
}

async function apply(client, name) {
  await client.query("BEGIN");
  try {
    await client.query(readFileSync(join(FOLDER, name), "utf8"));
    await client.query("INSERT INTO schema_migrations (name) VALUES ($1)", [name]);
    await client.query("COMMIT");
    console.log(`applied ${name}`);
  } catch (error) {
    await client.query("ROLLBACK");
    throw new Error(`${name}: ${error.message}`);
  }
}
