/** Socket Mode: the sockets that apps hold open, envelopes to one of them, acks within three seconds. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { app } from "./people.ts";

const MOST_SOCKETS = 10;
const TICKET_LIFE_MS = 30_000;
const PING_EVERY_MS = 10_000;
/** how long a client may take to close after it was asked to */
const CLOSE_GRACE_MS = 1_000;

export type EnvelopeType = "slash_commands" | "interactive" | "events_api";

export type Delivery =
  | { ok: true; payload: Record<string, unknown>; ackMs: number }
  | { ok: false; error: "operation_timeout" | "dispatch_failed" };

interface Waiting {
  sentAt: number;
  settle: (delivery: Delivery) => void;
  timer: NodeJS.Timeout;
}

export class Sockets {
  #server = new WebSocketServer({ noServer: true });
  #open: WebSocket[] = [];
  #tickets = new Map<string, number>();
  #waiting = new Map<string, Waiting>();
  #unanswered = new WeakMap<WebSocket, number>();
  #turn = 0;
  #ackTimeoutMs: number;
  #onCount: (count: number) => void;
  #pings: NodeJS.Timeout;

  constructor(options: { ackTimeoutMs: number; onCount: (count: number) => void }) {
    this.#ackTimeoutMs = options.ackTimeoutMs;
    this.#onCount = options.onCount;
    this.#pings = setInterval(() => this.#ping(), PING_EVERY_MS);
    this.#pings.unref();
  }

  get count(): number {
    return this.#open.length;
  }

  /** A ticket for one socket. */
  ticket(): string {
    const ticket = randomUUID();
    const now = Date.now();
    for (const [old, at] of this.#tickets) if (now - at > TICKET_LIFE_MS) this.#tickets.delete(old);
    this.#tickets.set(ticket, now);
    return ticket;
  }

  /** Answers an upgrade request: hello for a fresh ticket, 403 for a used or invented one. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? "/", "http://localhost");
    const issuedAt = this.#tickets.get(url.searchParams.get("ticket") ?? "");
    this.#tickets.delete(url.searchParams.get("ticket") ?? "");
    if (issuedAt === undefined || Date.now() - issuedAt > TICKET_LIFE_MS) {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#welcome(opened));
  }

  /** Sends an envelope to one open socket, each in its turn, and waits for the ack. */
  dispatch(
    type: EnvelopeType,
    payload: Record<string, unknown>,
    acceptsResponse: boolean,
  ): Promise<Delivery> {
    // one that is closing acks nothing any more
    const open = this.#open.filter((candidate) => candidate.readyState === candidate.OPEN);
    const socket = open[this.#turn++ % Math.max(1, open.length)];
    if (!socket) return Promise.resolve({ ok: false, error: "dispatch_failed" });
    const envelopeId = randomUUID();
    return new Promise((settle) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(envelopeId);
        settle({ ok: false, error: "operation_timeout" });
      }, this.#ackTimeoutMs);
      this.#waiting.set(envelopeId, { sentAt: performance.now(), settle, timer });
      socket.send(
        JSON.stringify({
          envelope_id: envelopeId,
          payload,
          type,
          accepts_response_payload: acceptsResponse,
          ...(type === "events_api" ? { retry_attempt: 0, retry_reason: "" } : {}),
        }),
      );
    });
  }

  /** Ends every open socket: announced, as Slack does when it moves a connection, or dropped without a word. */
  disconnect(kind: "refresh_requested" | "drop"): void {
    for (const socket of [...this.#open]) {
      if (kind === "drop") socket.terminate();
      else this.#dismiss(socket, kind);
    }
  }

  /** Closes every socket properly: a client that sees its connection cut would try for long to mend it. */
  async stop(): Promise<void> {
    clearInterval(this.#pings);
    for (const { timer, settle } of this.#waiting.values()) {
      clearTimeout(timer);
      settle({ ok: false, error: "dispatch_failed" });
    }
    this.#waiting.clear();
    await Promise.all([...this.#server.clients].map(closed));
    this.#server.close();
  }

  #welcome(socket: WebSocket): void {
    socket.on("error", () => socket.terminate());
    if (this.#open.length >= MOST_SOCKETS) {
      this.#dismiss(socket, "too_many_websockets");
      return;
    }
    socket.on("message", (data) => this.#ack(data));
    socket.on("pong", () => this.#unanswered.set(socket, 0));
    socket.on("close", () => this.#forget(socket));
    this.#open.push(socket);
    this.#onCount(this.#open.length);
    socket.send(
      JSON.stringify({
        type: "hello",
        num_connections: this.#open.length,
        debug_info: { host: "sandbox", build_number: 1, approximate_connection_time: 18_060 },
        connection_info: { app_id: app.id },
      }),
    );
  }

  #ack(data: RawData): void {
    let message: { envelope_id?: unknown; payload?: unknown };
    try {
      message = JSON.parse(String(data)) as typeof message;
    } catch {
      // Slack drops what it cannot read, too
      return;
    }
    const waiting = this.#waiting.get(String(message.envelope_id));
    if (!waiting) return;
    this.#waiting.delete(String(message.envelope_id));
    clearTimeout(waiting.timer);
    const payload = (message.payload ?? {}) as Record<string, unknown>;
    waiting.settle({ ok: true, payload, ackMs: performance.now() - waiting.sentAt });
  }

  /** Tells the app to connect anew; from here on nothing is routed to this socket, but its acks still count. */
  #dismiss(socket: WebSocket, reason: string): void {
    this.#forget(socket);
    socket.send(JSON.stringify({ type: "disconnect", reason, debug_info: { host: "sandbox" } }));
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  #forget(socket: WebSocket): void {
    const index = this.#open.indexOf(socket);
    if (index < 0) return;
    this.#open.splice(index, 1);
    this.#onCount(this.#open.length);
  }

  /** Three pings without an answer and the other side is gone. */
  #ping(): void {
    for (const socket of [...this.#open]) {
      const unanswered = (this.#unanswered.get(socket) ?? 0) + 1;
      this.#unanswered.set(socket, unanswered);
      if (unanswered > 3) socket.terminate();
      else socket.ping("Ping from the sandbox");
    }
  }
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const tooLong = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
    socket.once("close", () => {
      clearTimeout(tooLong);
      resolve();
    });
    socket.close(1001, "the sandbox stops");
  });
}
