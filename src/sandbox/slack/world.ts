/** The workspace as it stands: people, channels, messages. Everything that changes is told to listeners. */
import { firstChannels, firstPeople, firstUserGroups, type UserGroup } from "./people.ts";
import { SlackRefusal } from "./refusal.ts";
import type { Change, Channel, Message, Person } from "./types.ts";

/** More than that and the oldest of a channel are forgotten, as on Slack's free plan: memory stays bounded. */
const MESSAGES_PER_CHANNEL = 10_000;

export type NewMessage = Omit<Message, "ts" | "editedCount">;

/** What of the world outlives the process. */
export interface Snapshot {
  version: 1;
  channels: Channel[];
  messages: Message[];
}

export class World {
  readonly people = new Map<string, Person>();
  readonly channels = new Map<string, Channel>();
  readonly userGroups: UserGroup[] = firstUserGroups();
  /** milliseconds since 1970; a test may hold it still */
  readonly now: () => number;
  #messages = new Map<string, Message[]>();
  #listeners = new Set<(change: Change) => void>();
  #lastTsMicros = 0;

  constructor(now: () => number = Date.now) {
    this.now = now;
    for (const person of firstPeople()) this.people.set(person.id, person);
    for (const channel of firstChannels()) this.channels.set(channel.id, channel);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** The person of that id; refuses with `user_not_found`. */
  person(id: string): Person {
    const person = this.people.get(id);
    if (!person) throw new SlackRefusal("user_not_found");
    return person;
  }

  /** The channel of that id or name (`C0OPS`, `#ops`, `ops`); refuses with `channel_not_found`. */
  channel(reference: string): Channel {
    const byId = this.channels.get(reference);
    if (byId) return byId;
    const name = reference.replace(/^#/, "");
    for (const channel of this.channels.values()) if (channel.name === name) return channel;
    throw new SlackRefusal("channel_not_found");
  }

  /** Refuses with `no_such_subteam`. */
  setUserGroup(id: string, users: string[]): void {
    const group = this.userGroups.find((candidate) => candidate.id === id);
    if (!group) throw new SlackRefusal("no_such_subteam");
    group.users = [...users];
  }

  addChannel(channel: Channel): Channel {
    this.channels.set(channel.id, channel);
    this.tell({ type: "channel", channel });
    return channel;
  }

  join(channel: Channel, user: string): void {
    if (channel.members.includes(user)) return;
    channel.members.push(user);
    this.tell({ type: "channel", channel });
  }

  /** Everything of a channel in time order, thread replies included; ephemerals only those for `asUser`. */
  messages(channelId: string, asUser?: string): Message[] {
    const all = this.#messages.get(this.channel(channelId).id) ?? [];
    return all.filter((message) => !message.ephemeralFor || message.ephemeralFor === asUser);
  }

  find(channelId: string, ts: string): Message | undefined {
    return this.#messages.get(channelId)?.findLast((message) => message.ts === ts);
  }

  /** The root of the thread that `ts` belongs to; refuses with `thread_not_found`. */
  threadRoot(channelId: string, ts: string): string {
    const message = this.find(channelId, ts);
    if (!message || message.ephemeralFor) throw new SlackRefusal("thread_not_found");
    return message.threadTs ?? message.ts;
  }

  post(draft: NewMessage): Message {
    const message: Message = { ...draft, ts: this.nextTs(), editedCount: 0 };
    if (message.blocks?.length === 0) delete message.blocks;
    const all = this.#messages.get(message.channel) ?? [];
    all.push(message);
    if (all.length > MESSAGES_PER_CHANNEL) all.shift();
    this.#messages.set(message.channel, all);
    this.tell({ type: "message", message });
    return message;
  }

  /** Replaces the message by an edited one and gives that; `blocks: []` takes the blocks away. */
  edit(message: Message, change: Partial<Pick<Message, "text" | "blocks" | "metadata">>): Message {
    // a new object: who holds the old one keeps what was seen
    const edited: Message = { ...message, ...change, editedCount: message.editedCount + 1 };
    if (edited.blocks?.length === 0) delete edited.blocks;
    const all = this.#messages.get(message.channel) ?? [];
    const index = all.findLastIndex((other) => other.ts === message.ts);
    if (index >= 0) all[index] = edited;
    this.tell({ type: "message", message: edited });
    return edited;
  }

  remove(message: Message): void {
    const all = this.#messages.get(message.channel) ?? [];
    const index = all.findLastIndex((other) => other.ts === message.ts);
    if (index >= 0) all.splice(index, 1);
    this.tell({ type: "deleted", channel: message.channel, ts: message.ts });
  }

  /** Slack's `1700000000.000100`: unique in the whole workspace and rising, whatever the clock does. */
  nextTs(): string {
    const micros = Math.max(Math.round(this.now() * 1000), this.#lastTsMicros + 1);
    this.#lastTsMicros = micros;
    return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}`;
  }

  snapshot(): Snapshot {
    const messages = [...this.#messages.values()].flat().filter((message) => !message.ephemeralFor);
    return { version: 1, channels: [...this.channels.values()], messages };
  }

  restore(snapshot: Snapshot): void {
    for (const channel of snapshot.channels) this.channels.set(channel.id, channel);
    for (const message of snapshot.messages) {
      const all = this.#messages.get(message.channel) ?? [];
      all.push(message);
      this.#messages.set(message.channel, all);
      const [seconds = "0", micros = "0"] = message.ts.split(".");
      this.#lastTsMicros = Math.max(this.#lastTsMicros, Number(seconds) * 1e6 + Number(micros));
    }
  }
}

/** Slack's handle of a person: what `user_name` says in payloads. */
export function handleOf(person: Person): string {
  return person.name.toLowerCase().replaceAll(" ", ".");
}
