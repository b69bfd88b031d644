const { query } = require("./database");
const { version } = require("./package.json");

/** Healthy when the database answers. */
async function check() {
  try {
    await query("SELECT 1");
    return { status: "healthy", version };
  } catch (error) {
    return { status: "unhealthy", version, reason: `database: ${error.message}` };
  }
}

module.exports = { check };
