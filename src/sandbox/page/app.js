/** State and wiring: loads the world, follows its changes, draws the panes. */
import { api, explain, followEvents } from "./api.js";
import { createComposer } from "./composer.js";
import { hooks } from "./context.js";
import { createDemo } from "./demo.js";
import { h, morph } from "./dom.js";
import { icon } from "./icons.js";
import { channelItems, createList, threadItems } from "./messages.js";
import { createModal } from "./modal.js";
import { people, renderBanner, renderNav } from "./sidebar.js";
import {
  addNote,
  changed,
  channel,
  isReply,
  messagesOf,
  onUpdate,
  person,
  putMessage,
  putWorld,
  state,
  unreadOf,
} from "./store.js";
import { renderWelcome } from "./welcome.js";

const byId = (id) => document.getElementById(id);

const modal = createModal(byId("modal"));
const demo = createDemo(byId("demo"));
const mainList = createList("Messages");
const threadList = createList("Messages of the thread");
const mainComposer = createComposer({ id: "compose", hasCommands: true, onSend: sendToChannel });
const threadComposer = createComposer({ id: "compose-thread", hasCommands: false, onSend: sendToThread });
const mainHead = h("header", { class: "pane-head" });
const threadHead = h("header", { class: "pane-head" });

byId("main").append(mainHead, mainList.element, mainComposer.element);
byId("thread").append(threadHead, threadList.element, threadComposer.element);
onEscape("thread", closeThread);
onEscape("sidebar", () => setDrawer(false));
byId("scrim").onclick = () => setDrawer(false);
hooks.openChannel = openChannel;
onUpdate(draw);
window.addEventListener("hashchange", followPermalink);
state.read = JSON.parse(localStorage.getItem("steward-read") ?? "{}");

/** Changes that come while everything is being loaded wait, or the older load would overwrite them. */
let waiting = null;
let loads = 0;

followEvents({
  onOpen: reload,
  onLost: lost,
  onChange: (change) => (waiting ? waiting.push(change) : apply(change)),
});
draw();

function lost() {
  state.online = false;
  changed();
}

/** Loads everything, until it succeeds or a newer load takes its place. */
async function reload() {
  loads += 1;
  const mine = loads;
  try {
    await load(mine);
  } catch {
    lost();
    setTimeout(() => mine === loads && reload(), 1000);
  }
}

async function load(mine) {
  waiting ??= [];
  const world = await api.state();
  const me = remembered("steward-me", people(world.people));
  const lists = await Promise.all(world.channels.map((each) => api.messages(each.id, me)));
  if (mine !== loads) return;
  putWorld(world);
  state.me = me;
  state.channel = remembered("steward-channel", state.channels);
  state.messages = new Map();
  for (const message of lists.flat()) putMessage(message);
  const changes = waiting;
  waiting = null;
  for (const change of changes) apply(change);
  state.online = true;
  await modal.refresh();
  changed();
  followPermalink();
}

function apply(change) {
  if (change.type === "message") putMessage(change.message);
  if (change.type === "deleted") state.messages.get(change.channel)?.delete(change.ts);
  if (change.type === "connections") state.connections = change.count;
  if (change.type === "view" && change.user === state.me) modal.refresh();
  if (change.type === "channel") {
    const others = state.channels.filter((each) => each.id !== change.channel.id);
    const isKnown = others.length < state.channels.length;
    const replace = (each) => (each.id === change.channel.id ? change.channel : each);
    state.channels = isKnown ? state.channels.map(replace) : [...others, change.channel];
  }
  changed();
}

function draw() {
  morph(byId("banner"), renderBanner());
  const open = channel(state.channel);
  if (!open) return;
  morph(byId("nav"), renderNav({ openChannel, actAs }));
  drawMain(open);
  drawThread(open);
  markRead();
  const unread = state.channels.reduce((sum, each) => sum + unreadOf(each.id), 0);
  document.title = `${unread > 0 ? `(${unread}) ` : ""}#${open.name} · Steward sandbox`;
}

function drawMain(open) {
  const menu = { class: "btn-menu", type: "button", "aria-label": "Menu", onclick: () => setDrawer(true) };
  const head = h(
    "header",
    { class: "pane-head" },
    h("button", menu, icon("menu")),
    h(
      "div",
      { class: "pane-title" },
      h("h2", {}, h("span", { class: "hash" }, "#"), ` ${open.name}`),
      open.topic && h("p", { class: "topic" }, open.topic),
    ),
    h("button", { class: "btn btn-small", type: "button", onclick: showGuide }, icon("spark"), "What to try"),
  );
  morph(mainHead, head);
  const isGuide = open.id === state.channels[0].id;
  const welcome = {
    key: "welcome",
    sign: `${isGuide}/${open.topic}`,
    draw: () => renderWelcome(open, isGuide, { run: runSuggestion, breakShop }),
  };
  mainList.show(`${open.id}/${state.me}`, [
    welcome,
    ...channelItems(open.id, (message) => openThread(message.ts)),
  ]);
  mainComposer.setTarget({
    key: open.id,
    label: `Message #${open.name}`,
    placeholder: `Message #${open.name} as ${person(state.me).displayName}, / for commands`,
  });
}

function drawThread(open) {
  byId("thread").hidden = state.thread === null;
  byId("app").classList.toggle("has-thread", state.thread !== null);
  if (state.thread === null) return;
  const close = { class: "btn-close", type: "button", "aria-label": "Close thread", onclick: closeThread };
  const title = h(
    "div",
    { class: "pane-title" },
    h("h2", {}, "Thread"),
    h("p", { class: "topic" }, `#${open.name}`),
  );
  morph(threadHead, h("header", { class: "pane-head" }, title, h("button", close, icon("close"))));
  threadList.show(`${open.id}/${state.thread}/${state.me}`, threadItems(open.id, state.thread));
  threadComposer.setTarget({
    key: `${open.id}/${state.thread}`,
    label: "Reply in thread",
    placeholder: `Reply as ${person(state.me).displayName}…`,
  });
}

function markRead() {
  const newest = messagesOf(state.channel).at(-1)?.ts;
  if (!newest || state.read[state.channel] === newest) return;
  state.read[state.channel] = newest;
  localStorage.setItem("steward-read", JSON.stringify(state.read));
}

function openChannel(id) {
  if (id !== state.channel) state.thread = null;
  state.channel = id;
  sessionStorage.setItem("steward-channel", id);
  setDrawer(false);
  changed();
}

function actAs(id) {
  setDrawer(false);
  if (id === state.me) return;
  state.me = id;
  sessionStorage.setItem("steward-me", id);
  changed();
  reload();
}

function openThread(ts) {
  state.thread = ts;
  draw();
  threadComposer.focus();
}

/** `#C0OPS/p1700000000123456`, where Slack's permalinks lead: shows that message, then forgets the hash. */
function followPermalink() {
  const found = /^#(\w+)\/p(\d+)(\d{6})/.exec(location.hash);
  if (!found || !channel(found[1])) return;
  history.replaceState(null, "", location.pathname);
  const message = state.messages.get(found[1])?.get(`${found[2]}.${found[3]}`);
  openChannel(found[1]);
  state.thread = message && isReply(message) ? message.threadTs : null;
  draw();
  const pane = byId(state.thread ? "thread" : "main");
  const target = message && pane.querySelector(`article[data-ts="${message.ts}"]`);
  target?.scrollIntoView({ block: "center" });
  target?.animate([{ background: "rgb(255 216 115 / 55%)" }, {}], { duration: 2500, easing: "ease-in" });
}

function closeThread() {
  const ts = state.thread;
  state.thread = null;
  draw();
  byId("main")
    .querySelector(`article[data-ts="${CSS.escape(ts)}"] :is(.replies, .tool)`)
    ?.focus();
}

function sendToChannel(text) {
  if (text.startsWith("/")) runCommand(text);
  else say(text);
}

function sendToThread(text) {
  const place = { channel: state.channel, threadTs: state.thread };
  if (!text.startsWith("/")) return say(text, state.thread);
  const command = text.split(/\s/)[0];
  const where = channel(state.channel).name;
  addNote({
    kind: "error",
    ...place,
    error: `${command} does not work inside threads, as in Slack. Use it in #${where} itself.`,
  });
  return false;
}

async function say(text, threadTs) {
  const place = { channel: state.channel, threadTs };
  try {
    putMessage(await api.say({ user: state.me, text, ...place }));
    changed();
  } catch (error) {
    const reason = explain(error.status ? error.message : "unreachable");
    addNote({ kind: "error", ...place, error: `Your message was not sent: ${reason}.` });
  }
}

async function runCommand(line) {
  const [command] = line.split(/\s/);
  const text = line.slice(command.length).trim();
  const note = addNote({ kind: "command", channel: state.channel, text: line, status: "waiting" });
  const result = await api.command({ user: note.user, channel: note.channel, command, text });
  if (result.error === "unknown_command") fail(note, `${command} is not a command here. Try /ops help.`);
  else if (!result.ok) fail(note, `${command} failed: ${explain(result.error)}.`);
  else Object.assign(note, { status: "done", ackMs: Math.round(result.ackMs ?? 0) });
  changed();
}

function fail(note, error) {
  Object.assign(note, { status: "failed", error });
  changed();
}

function runSuggestion(line) {
  runCommand(line);
  mainComposer.focus();
}

function breakShop() {
  demo.fault("stop");
  const incidents = state.channels.find((each) => each.name === "incidents");
  if (incidents) openChannel(incidents.id);
}

function showGuide() {
  openChannel(state.channels[0].id);
  draw();
  mainList.toTop();
  byId("main").querySelector(".suggestion")?.focus({ preventScroll: true });
}

function setDrawer(isOpen) {
  const wasOpen = byId("app").classList.contains("drawer-open");
  byId("app").classList.toggle("drawer-open", isOpen);
  if (wasOpen && !isOpen) mainHead.querySelector(".btn-menu")?.focus();
  if (isOpen) byId("nav").querySelector("[aria-current]")?.focus();
}

function onEscape(id, leave) {
  byId(id).addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
  });
}

/** The id kept for this tab if it still exists, else the first. */
function remembered(key, list) {
  const kept = sessionStorage.getItem(key);
  return list.some((each) => each.id === kept) ? kept : list[0].id;
}
