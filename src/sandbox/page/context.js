/** The drawing context: what blocks need to know of the world, and where their clicks go. */
import { api, explain } from "./api.js";
import { changed, channel, person, state } from "./store.js";

/** Context for what belongs to no message, such as a modal's title. `openChannel` is set by app.js. */
export function baseContext() {
  return {
    me: state.me,
    person,
    channel,
    group: (id) => state.userGroups.find((each) => each.id === id)?.handle,
    openChannel: hooks.openChannel,
    act: () => {},
    isBusy: () => false,
  };
}

/** Context for one message: clicks go to `/control/click`, and an error is shown under the message. */
export function messageContext(message) {
  const where = `${message.channel}/${message.ts}`;
  return {
    ...baseContext(),
    isBusy: (blockId, actionId) => state.busy.has(`${where}/${blockId}/${actionId}`),
    act: async (element, blockId, { value, selected }) => {
      const key = `${where}/${blockId}/${element.action_id}`;
      if (state.busy.has(key)) return;
      state.busy.add(key);
      state.faults.delete(where);
      changed();
      const { channel: channelId, ts } = message;
      const action = { actionId: element.action_id, blockId, value, selected };
      const result = await api.click({ user: state.me, channel: channelId, ts, ...action });
      state.busy.delete(key);
      if (!result.ok) state.faults.set(where, `${nameOf(element)} failed: ${explain(result.error)}.`);
      changed();
    },
  };
}

/** Busy controls of one message, as part of what decides whether it is drawn anew. */
export function busyIn(message) {
  const where = `${message.channel}/${message.ts}/`;
  return [...state.busy].filter((key) => key.startsWith(where));
}

export const hooks = { openChannel: () => {} };

function nameOf(element) {
  return element.type === "button" ? `“${element.text.text}”` : "The choice";
}
