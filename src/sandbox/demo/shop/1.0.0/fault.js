// Faults on purpose, for the sandbox alone: its page writes `slow` or `errors` into a control file.
const { readFileSync } = require("node:fs");

const SLOW_MS = 4000;

/** Waits when the shop is to be slow; true when it is to answer with an error. */
async function suffer() {
  const fault = read();
  if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  return fault === "errors";
}

function read() {
  try {
    return readFileSync(process.env.SHOP_FAULT_FILE ?? "", "utf8").trim();
  } catch {
    return "none";
  }
}

module.exports = { suffer };
