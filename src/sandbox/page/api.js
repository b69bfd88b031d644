/** The stand-in's control API, as the page uses it. */

export const api = {
  state: () => get("/control/state"),
  messages: (channel, as) => get(`/control/messages?channel=${enc(channel)}&as=${enc(as)}`),
  views: (user) => get(`/control/views?user=${enc(user)}`),
  say: (body) => post("/control/say", body),
  command: (body) => act("/control/command", body),
  click: (body) => act("/control/click", body),
  submitView: (body) => act("/control/view/submit", body),
  clickInView: (body) => act("/control/view/click", body),
  closeView: (body) => act("/control/view/close", body),
  demoStatus: () => get("/demo/status"),
  demoFault: (mode) => post("/demo/fault", { mode }),
};

/**
 * Follows the event stream for good; a lost connection is tried again every second.
 * `onOpen` comes at every (re)connection: what was missed must be loaded anew.
 */
export function followEvents({ onOpen, onChange, onLost }) {
  const source = new EventSource("/control/events");
  source.onopen = onOpen;
  source.onmessage = (event) => onChange(JSON.parse(event.data));
  source.onerror = () => {
    source.close();
    onLost();
    setTimeout(() => followEvents({ onOpen, onChange, onLost }), 1000);
  };
}

/** An InteractionResult error in plain words; goes after "X failed: ". */
export function explain(error) {
  return PLAIN_WORDS[error] ?? `the sandbox answered "${error ?? "unknown error"}"`;
}

const PLAIN_WORDS = {
  operation_timeout: "Steward did not answer within 3 seconds",
  dispatch_failed: "Steward is not connected right now. Wait for it to connect, then try again",
  no_such_action: "the message has changed and this control is no longer there",
  message_not_found: "the message is no longer there",
  channel_not_found: "this channel does not exist",
  view_not_found: "this form is no longer open",
  not_in_channel: "you are not a member of this channel",
  user_not_found: "this person does not exist",
  unreachable: "the sandbox is not answering. Is `npm start` still running?",
};

function enc(text) {
  return encodeURIComponent(text);
}

async function get(path) {
  return read(await fetch(path, { headers: { accept: "application/json" } }));
}

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return read(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** A post whose every outcome is an InteractionResult. */
async function act(path, body) {
  try {
    return await post(path, body);
  } catch (error) {
    return { ok: false, error: error.status ? error.message : "unreachable" };
  }
}

async function read(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw Object.assign(new Error(body?.error ?? `HTTP ${response.status}`), { status: response.status });
}
