const ITEMS = ["Espresso beans", "Filter coffee", "Oat milk", "Cold brew", "Hand grinder"];

/** The shop's page. */
function render({ version, features, count, newest }) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop ${plain(version)}</title>
<style>${STYLE}</style>
<main>
  <header>
    <h1>The coffee shop</h1>
    <p><strong>Version ${plain(version)}</strong> ${features.map((name) => `<span class="feature">${plain(name)}</span>`).join(" ")}</p>
  </header>
  <form method="post" action="/orders">
    <label>Item <select name="item">${ITEMS.map((item) => `<option>${plain(item)}</option>`).join("")}</select></label>
    <label>Quantity <input name="quantity" type="number" min="1" max="99" value="1"></label>
    <label>Your name <input name="customer" maxlength="80" autocomplete="off"></label>
    ${extraFields(features)}
    <button>Place the order</button>
  </form>
  <h2>${count} orders</h2>
  <table>
    <thead><tr><th>No.</th><th>Item</th><th>Quantity</th><th>Customer</th><th>Placed</th></tr></thead>
    <tbody>${newest.map(row).join("")}</tbody>
  </table>
</main>
</html>
`;
}

function extraFields(features) {
  if (!features.includes("Discount codes")) return "";
  return '<label>Discount code <input name="code" maxlength="20" placeholder="WELCOME10" autocomplete="off"></label>';
}

function row(order) {
  const placed = new Date(order.placed_at).toISOString().slice(0, 16).replace("T", " ");
  const discount = order.discount_code ? ` <span class="feature">${plain(order.discount_code)}</span>` : "";
  return `<tr><td>${order.id}</td><td>${plain(order.item)}${discount}</td><td>${order.quantity}</td><td>${plain(order.customer)}</td><td>${placed}</td></tr>`;
}

function plain(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}

const STYLE = `
  :root { color-scheme: light dark; --line: #d9d2c7; --accent: #7a4a21; --page: #faf7f2; --ink: #2b2118; }
  @media (prefers-color-scheme: dark) { :root { --line: #4a4036; --accent: #e0a872; --page: #1d1814; --ink: #f1e9df; } }
  body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 52rem; margin: 0 auto; padding: 2rem 1rem; }
  h1 { margin: 0; } header p { margin: .25rem 0 1.5rem; }
  .feature { padding: .1rem .5rem; border: 1px solid var(--accent); border-radius: 1rem; color: var(--accent); font-size: .85rem; }
  form { display: flex; flex-wrap: wrap; gap: 1rem; align-items: end; padding: 1rem; border: 1px solid var(--line); border-radius: .75rem; }
  label { display: grid; font-size: .85rem; } input, select, button { font: inherit; padding: .4rem .6rem; }
  input[type=number] { width: 5rem; }
  button { border: 0; border-radius: .5rem; background: var(--accent); color: var(--page); cursor: pointer; }
  table { width: 100%; border-collapse: collapse; } th, td { padding: .4rem; border-bottom: 1px solid var(--line); text-align: left; }
`;

module.exports = { render };
