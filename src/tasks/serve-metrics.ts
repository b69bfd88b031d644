import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { StewardError } from "../errors.ts";

/**
 * `GET /healthz` (200 while `alive` says so, else 503) and `GET /metrics`, on loopback.
 * Throws `port_taken`.
 */
export async function serveMetrics(options: {
  port: number;
  registry: Registry;
  alive(): Promise<boolean>;
}): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request.url ?? "/", options).then(
      ({ status, type, body }) => response.writeHead(status, { "content-type": type }).end(body),
      () => response.writeHead(500, { "content-type": "text/plain" }).end("error\n"),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EADDRINUSE") throw cause;
    throw new StewardError("port_taken", `Port ${options.port} is taken`, {
      hint: "Set PORT to another one, or stop what listens there.",
      cause,
    });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  url: string,
  { registry, alive }: { registry: Registry; alive(): Promise<boolean> },
): Promise<{ status: number; type: string; body: string }> {
  if (url === "/metrics") return { status: 200, type: registry.contentType, body: await registry.metrics() };
  if (url !== "/healthz")
    return { status: 404, type: "text/plain", body: "not found: /healthz and /metrics are here\n" };
  const well = await alive();
  return {
    status: well ? 200 : 503,
    type: "application/json",
    body: `${JSON.stringify({ status: well ? "healthy" : "unhealthy" })}\n`,
  };
}
