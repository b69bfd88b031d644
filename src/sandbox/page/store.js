/** What the page knows, in one place. Modules read `state`, change it, and call `changed()`. */

export const state = {
  team: { id: "", name: "" },
  people: [],
  channels: [],
  /** {id, handle} */
  userGroups: [],
  /** sockets that Steward holds open */
  connections: 0,
  /** whether the page itself is connected to the sandbox */
  online: false,
  /** ids of the person acted as and of the open channel; ts of the open thread */
  me: null,
  channel: null,
  thread: null,
  /** channel id to (ts to message), as `me` sees them */
  messages: new Map(),
  /** notes of the page itself among the messages: commands given, errors. Never sent anywhere */
  notes: [],
  /** keys of controls whose click has no answer yet */
  busy: new Set(),
  /** `channel/ts` to the error to show under that message */
  faults: new Map(),
  /** channel id to the newest ts that was seen */
  read: {},
};

const listeners = [];
let scheduled = false;

export function onUpdate(listener) {
  listeners.push(listener);
}

/** Draws everything anew, once for all changes of the same moment. */
export function changed() {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    for (const listener of listeners) listener();
  }, 0);
}

export function person(id) {
  return state.people.find((each) => each.id === id);
}

export function channel(id) {
  return state.channels.find((each) => each.id === id);
}

/** Messages of a channel that `me` may see, in time order. */
export function messagesOf(channelId) {
  const all = [...(state.messages.get(channelId)?.values() ?? [])];
  const mine = all.filter((message) => !message.ephemeralFor || message.ephemeralFor === state.me);
  return mine.sort((a, b) => Number(a.ts) - Number(b.ts));
}

export function isReply(message) {
  return message.threadTs !== undefined && message.threadTs !== message.ts;
}

export function putMessage(message) {
  if (!state.messages.has(message.channel)) state.messages.set(message.channel, new Map());
  state.messages.get(message.channel).set(message.ts, message);
}

/** Takes over people and channels of a WorldState. */
export function putWorld(world) {
  state.team = world.team;
  state.people = world.people.map((each, index) => withLooks(each, index));
  state.channels = world.channels;
  state.userGroups = world.userGroups ?? [];
  state.connections = world.connections;
}

/** How many messages of a channel came since it was last looked at. */
export function unreadOf(channelId) {
  const since = Number(state.read[channelId] ?? 0);
  const isNew = (message) => Number(message.ts) > since && message.user !== state.me && !isReply(message);
  return messagesOf(channelId).filter(isNew).length;
}

/** Adds a note of the page; returns it so that its fields can be changed, followed by `changed()`. */
export function addNote(fields) {
  const note = { id: `note-${state.notes.length}`, at: Date.now() / 1000, user: state.me, ...fields };
  state.notes.push(note);
  changed();
  return note;
}

function withLooks(each, index) {
  const displayName = each.realName || each.name;
  const words = displayName.split(/\s+/).filter(Boolean);
  const initials = words.length > 1 ? words[0][0] + words.at(-1)[0] : displayName.slice(0, 1);
  return { ...each, displayName, initials: initials.toUpperCase(), tint: index % 6 };
}
