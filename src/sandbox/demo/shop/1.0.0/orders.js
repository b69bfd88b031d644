const { randomUUID } = require("node:crypto");
const { query } = require("./database");

/** The newest orders, newest first. */
function newest(limit) {
  return query("SELECT id, item, quantity, customer, placed_at FROM orders ORDER BY id DESC LIMIT $1", [
    limit,
  ]);
}

async function count() {
  const [row] = await query("SELECT count(*)::int AS count FROM orders");
  return row.count;
}

/** Places an order. The reference makes it one order, even when the answer to the first try was lost. */
async function place({ item, quantity, customer }) {
  const [row] = await query(
    `INSERT INTO orders (reference, item, quantity, customer) VALUES ($1, $2, $3, $4)
     ON CONFLICT (reference) DO UPDATE SET reference = excluded.reference
     RETURNING id, item, quantity, customer, placed_at`,
    [randomUUID(), item, quantity, customer],
  );
  return row;
}

/** What was typed as an order, or a sentence that says what is wrong with it. */
function parse(input) {
  const item = String(input.item ?? "").trim();
  const customer = String(input.customer ?? "").trim() || "Guest";
  const quantity = Number(input.quantity ?? 1);
  if (item === "" || item.length > 80) return "item has to be 1 to 80 characters";
  if (customer.length > 80) return "customer has to be at most 80 characters";
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 99) return "quantity has to be 1 to 99";
  return { item, quantity, customer };
}

module.exports = { newest, count, place, parse };
