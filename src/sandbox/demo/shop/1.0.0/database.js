// The shop's connections. They may be cut at any time (a failover, a restore): a query is then tried again.
const { Pool } = require("pg");

const ATTEMPTS = 4;
const PAUSE_MS = 150;
const LOST_CONNECTION = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "57P01", "57P02", "57P03"]);

const pool = new Pool({
  connectionString: process.env.SHOP_DATABASE_URL,
  application_name: "shop",
  max: 5,
  connectionTimeoutMillis: 2000,
});
// An idle connection that is cut must not end the process.
pool.on("error", (error) => console.error(`database: ${error.message}`));

/** Rows of a statement that may safely be sent twice. */
async function query(text, values) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await pool.query(text, values)).rows;
    } catch (error) {
      const lost = LOST_CONNECTION.has(error.code) || /terminated|timeout/i.test(error.message);
      if (!lost || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}

module.exports = { query, close: () => pool.end() };
