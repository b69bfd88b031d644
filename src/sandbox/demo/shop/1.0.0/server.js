const http = require("node:http");
const database = require("./database");
const fault = require("./fault");
const features = require("./features");
const health = require("./health");
const orders = require("./orders");
const { version } = require("./package.json");
const page = require("./page");

const PORT = Number(process.env.PORT ?? 4410);
const BODY_LIMIT_BYTES = 10_000;
const LONGEST_GOODBYE_MS = 4000;
const READ_ONLY = "25006";

const routes = {
  "GET /": async () =>
    html(page.render({ version, features, count: await orders.count(), newest: await orders.newest(12) })),
  "GET /health": async () => {
    const result = await health.check();
    return json(result.status === "healthy" ? 200 : 503, result);
  },
  "GET /about": async () => json(200, { name: "shop", version, features, orders: await orders.count() }),
  "GET /orders": async () => json(200, { count: await orders.count(), orders: await orders.newest(20) }),
  "POST /orders": placeOrder,
};

const server = http.createServer((request, response) => {
  answer(request)
    .catch((error) => failure(error))
    .then(({ status, headers, body }) => {
      response.writeHead(status, { "cache-control": "no-store", ...headers });
      response.end(body);
    });
});

server.listen(PORT, "127.0.0.1", () => console.log(`shop ${version} listens on ${PORT}`));

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close(async () => {
      await database.close();
      process.exit(0);
    });
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), LONGEST_GOODBYE_MS).unref();
  });
}

async function answer(request) {
  if (await fault.suffer()) return json(500, { error: "the sandbox asked for errors" });
  const { pathname } = new URL(request.url, "http://localhost");
  const route = routes[`${request.method} ${pathname}`];
  return route ? route(request) : json(404, { error: "not found" });
}

async function placeOrder(request) {
  const isForm = (request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded");
  const body = await readBody(request);
  if (body === null) return json(413, { error: `an order has at most ${BODY_LIMIT_BYTES} bytes` });
  let input;
  try {
    input = isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body);
  } catch {
    return json(400, { error: "the order is no JSON" });
  }
  const order = orders.parse(input ?? {});
  if (typeof order === "string") return json(400, { error: order });
  const placed = await orders.place(order);
  return isForm ? { status: 303, headers: { location: "/" }, body: "" } : json(201, placed);
}

async function readBody(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > BODY_LIMIT_BYTES) return null;
  }
  return body;
}

function failure(error) {
  if (error.code === READ_ONLY) return json(503, { error: "orders are paused for maintenance" });
  console.error(error.stack);
  return json(500, { error: "something went wrong" });
}

function json(status, value) {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function html(body) {
  return { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body };
}
