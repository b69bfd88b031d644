/** What the stand-in offers to the sandbox and to tests. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { SimpleValues } from "./choices.ts";
import type { Fault } from "./faults.ts";
import type { ClickOptions } from "./interactions.ts";
import type { Change, Channel, InteractionResult, Message, Person, View, WorldState } from "./types.ts";
import type { ApiCall } from "./web-api.ts";

export interface SlackStandInOptions {
  /** 0 = any; listens on 127.0.0.1, and on ::1 where there is one */
  port: number;
  /** JSON snapshot of channels and messages; uploads are kept in `STATEPATH.files` */
  statePath?: string;
  /** static files, served at / (index.html) and /page/NAME */
  pageFolder?: string;
  /** routes of others; true = handled */
  routes?: (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean>;
  /** milliseconds since 1970, for triggers, response_urls and timestamps */
  now?: () => number;
  /** default 3,000 ms, which is Slack's */
  ackTimeoutMs?: number;
  /** slash commands of the installed app, default ["/ops"] */
  commands?: readonly string[];
  /** what the app was granted, default: all that Steward may use */
  scopes?: readonly string[];
}

export interface SlackStandIn {
  /** http://localhost:PORT */
  url: string;
  /** for SLACK_API_URL */
  apiUrl: string;
  botToken: string;
  appToken: string;
  state(): WorldState;
  addPerson(person: Person): void;
  /** who is in a user group from now on */
  setUserGroup(id: string, users: string[]): void;
  addChannel(channel: Channel): void;
  /** time order, thread replies included, ephemerals only those for `asUser` */
  messages(channelId: string, asUser?: string): Message[];
  command(user: string, channel: string, command: string, text: string): Promise<InteractionResult>;
  /** throws SlackRefusal, such as `not_in_channel` */
  say(user: string, channel: string, text: string, threadTs?: string): Message;
  click(
    user: string,
    channel: string,
    ts: string,
    actionId: string,
    options?: ClickOptions,
  ): Promise<InteractionResult>;
  shortcut(
    user: string,
    callbackId: string,
    message?: { channel: string; ts: string },
  ): Promise<InteractionResult>;
  /** the stack of modals, top last */
  views(user: string): View[];
  submitView(user: string, viewId: string, values: SimpleValues): Promise<InteractionResult>;
  clickInView(
    user: string,
    viewId: string,
    actionId: string,
    options?: ClickOptions & { values?: SimpleValues },
  ): Promise<InteractionResult>;
  closeView(user: string, viewId: string): Promise<InteractionResult>;
  until<T>(what: string, find: () => T | undefined | false | null, timeoutMs?: number): Promise<T>;
  onChange(listener: (change: Change) => void): () => void;
  apiCalls(method?: string): ApiCall[];
  failNext(method: string, how: Fault): void;
  disconnect(kind?: "refresh_requested" | "drop"): void;
  stop(): Promise<void>;
}
