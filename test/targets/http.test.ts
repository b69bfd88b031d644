import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { probe } from "../../src/targets/http.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    (server as { closeAllConnections?: () => void }).closeAllConnections?.();
  }
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const serve = (handler: RequestListener) => listen(createServer(handler));

describe("a probe", () => {
  it("gives status, latency, headers and body", async () => {
    const url = await serve((request, response) =>
      response.writeHead(503, { "x-served": "yes" }).end(`${request.method} ${request.url}`),
    );
    const answer = await probe(`${url}/health?deep=1`, { timeoutMs: 2_000 });
    expect(answer).toMatchObject({
      status: 503,
      body: "GET /health?deep=1",
      truncated: false,
      headers: { "x-served": "yes" },
    });
    expect(answer.latencyMs).toBeGreaterThan(0);
  });

  it("makes a fresh connection each time and follows no redirect", async () => {
    const ports = new Set<number>();
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort!);
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    for (let count = 0; count < 3; count += 1)
      expect((await probe(url, { timeoutMs: 2_000 })).status).toBe(302);
    expect(ports.size).toBe(3);
  });

  it("reads at most 64 KiB, also of a body that never ends", async () => {
    const url = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
        response.once("drain", more);
      };
      more();
    });
    const answer = await probe(url, { timeoutMs: 3_000 });
    expect(answer).toMatchObject({ status: 200, truncated: true });
    expect(answer.body.length).toBe(65_536);
  });

  it("sends the user and password of its URL and never shows them", async () => {
    const url = await serve((request, response) => response.end(request.headers.authorization));
    const withUser = url.replace("http://", "http://me:s%40cret@");
    expect((await probe(withUser, { timeoutMs: 2_000 })).body).toBe(
      `Basic ${Buffer.from("me:s@cret").toString("base64")}`,
    );
    servers[0]!.close();
    (servers[0] as { closeAllConnections?: () => void }).closeAllConnections?.();
    await expect(probe(withUser, { timeoutMs: 2_000 })).rejects.toMatchObject({
      message: expect.not.stringContaining("cret"),
    });
  });

  it("says in one sentence what went wrong", async () => {
    const closed = await serve(() => {});
    await new Promise((done) => servers.pop()!.close(done));
    await expect(probe(closed, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "http_refused",
      message: `GET ${closed}: connection refused`,
    });

    const hanging = await serve(() => {});
    await expect(probe(hanging, { timeoutMs: 150 })).rejects.toMatchObject({
      code: "http_timeout",
      message: `GET ${hanging}: no answer within 0.15 s`,
    });

    const dripping = await serve((_, response) => void response.write("begun"));
    await expect(probe(dripping, { timeoutMs: 150 })).rejects.toMatchObject({ code: "http_timeout" });

    await expect(probe("http://no-such-host.invalid/", { timeoutMs: 5_000 })).rejects.toMatchObject({
      code: "http_dns",
      message: expect.stringContaining("no-such-host.invalid"),
    });

    await expect(probe(closed.replace("http://", "https://"), { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "http_refused",
    });
    const plain = await serve((_, response) => response.end());
    await expect(probe(plain.replace("http://", "https://"), { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "http_tls",
    });

    const rude = await listen(createTcpServer((socket) => socket.destroy()));
    await expect(probe(rude, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "http_failed",
      message: expect.stringContaining("closed before an answer"),
    });
  });
});
