/** Building and updating DOM from data. Nothing here takes HTML, so foreign text can never become markup. */

const HANDLERS = ["onclick", "onchange", "oninput", "onkeydown", "ontoggle", "onsubmit"];

/**
 * Makes an element. Props: `class`, attributes, booleans, and handlers (`onclick` ...) as properties.
 * Children: nodes, strings, numbers, nested arrays; null, undefined and false are left out.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/**
 * Makes `from` look like `to` while keeping the nodes that are there, so that focus, scroll, open details,
 * typed values and running animations survive. Returns the node that now stands in the document.
 * `data-key` says what is the same thing; `data-keep` protects what a node has filled in by itself.
 */
export function morph(from, to) {
  if (!isSame(from, to)) {
    from.replaceWith(to);
    return to;
  }
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return from;
  }
  morphAttributes(from, to);
  for (const name of HANDLERS) if (from[name] !== to[name]) from[name] = to[name];
  if (!from.hasAttribute("data-keep")) morphChildren(from, to);
  return from;
}

/** Puts `nodes` into `parent` in this order, moving as little as possible and removing all others. */
export function place(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.childNodes[index] !== node) parent.insertBefore(node, parent.childNodes[index] ?? null);
  });
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child);
  }
}

function isSame(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function morphAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    // whether details are open is the reader's choice
    if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS"))
      from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

function morphChildren(from, to) {
  const keyed = new Map();
  for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let cursor = from.firstChild;
  for (const next of [...to.childNodes]) {
    const known = keyed.get(keyOf(next));
    if (known && isSame(known, next)) {
      if (known === cursor) cursor = cursor.nextSibling;
      else from.insertBefore(known, cursor);
      morph(known, next);
    } else if (cursor && !keyOf(cursor) && isSame(cursor, next)) {
      const current = cursor;
      cursor = cursor.nextSibling;
      morph(current, next);
    } else {
      from.insertBefore(next, cursor);
    }
  }
  while (cursor) {
    const gone = cursor;
    cursor = cursor.nextSibling;
    gone.remove();
  }
}
