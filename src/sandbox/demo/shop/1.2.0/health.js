const { query } = require("./database");
const { version } = require("./package.json");
const recommendations = require("./recommendations");

/** Healthy when the database answers and the cache of recommendations has room. */
async function check() {
  if (recommendations.isFull()) {
    return {
      status: "unhealthy",
      version,
      reason: `cache of recommendations is full (${recommendations.size()})`,
    };
  }
  try {
    await query("SELECT 1");
    return { status: "healthy", version };
  } catch (error) {
    return { status: "unhealthy", version, reason: `database: ${error.message}` };
  }
}

module.exports = { check };
