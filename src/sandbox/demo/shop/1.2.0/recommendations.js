// Keeps what goes with what at hand. The cache forgets to forget: it is full two seconds after the start.
const LIMIT = 100;
const REFRESH_MS = 20;

const cache = new Map();
setInterval(() => cache.set(`${Date.now()}-${cache.size}`, {}), REFRESH_MS).unref();

function isFull() {
  return cache.size >= LIMIT;
}

module.exports = { isFull, size: () => cache.size };
