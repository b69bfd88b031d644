/**
 * The stand-in's world, as its page and the tests see it. Shapes follow Slack's own where Slack has one.
 */
import type { KnownBlock } from "@slack/types";

export type Block = KnownBlock & { block_id?: string };

/** `guest` is a restricted account of our team. Later: external, deactivated. */
export type PersonKind = "member" | "guest" | "bot";

export interface Person {
  id: string;
  teamId: string;
  name: string;
  realName: string;
  kind: PersonKind;
  /** what the page shows under the name, such as "operator" or "approver" */
  title: string;
}

export interface Channel {
  id: string;
  name: string;
  topic: string;
  members: string[];
}

export interface Message {
  channel: string;
  ts: string;
  threadTs?: string;
  user: string;
  text: string;
  blocks?: Block[];
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
  editedCount: number;
  /** seen by this person alone; never kept over a restart */
  ephemeralFor?: string;
  files?: UploadedFile[];
}

export interface UploadedFile {
  id: string;
  name: string;
  title: string;
  mimetype: string;
  size: number;
}

/** An open modal. Values are Slack's `view.state.values`. */
export interface View {
  id: string;
  user: string;
  hash: string;
  callbackId: string;
  title: string;
  submit?: string;
  close?: string;
  blocks: Block[];
  privateMetadata: string;
  /** block_id to message, after `response_action: "errors"` */
  errors?: Record<string, string>;
}

/** What every interaction gives back: what Slack's client would show the person. */
export interface InteractionResult {
  ok: boolean;
  /** `operation_timeout` (no ack within 3 s), `dispatch_failed` (no app connected), `no_such_action`, ... */
  error?: string;
  /** milliseconds from sending the envelope to its ack */
  ackMs?: number;
  /** fields of a submission that were refused: block_id to message, as they stand in the view, too */
  errors?: Record<string, string>;
}

/** One line of the page's event stream (`GET /control/events`, server-sent events, JSON in `data`). */
export type Change =
  | { type: "message"; message: Message }
  | { type: "deleted"; channel: string; ts: string }
  | { type: "view"; user: string; view: View | null }
  | { type: "channel"; channel: Channel }
  | { type: "connections"; count: number };

export interface WorldState {
  team: { id: string; name: string };
  people: Person[];
  channels: Channel[];
  userGroups: { id: string; handle: string }[];
  /** sockets that apps hold open */
  connections: number;
}
