/** How many parts the checks are shared in; a service's checks are all in one, so that one replica sees them all. */
export const SHARDS = 8;

export function shardOf(service: string): number {
  return hash(service) % SHARDS;
}

/** Where in its interval a check has its turn: even over many checks, always the same for one. */
export function phaseOf(service: string, check: string, everyMs: number): number {
  return hash(`${service}/${check}`) % Math.max(1, Math.round(everyMs));
}

/** FNV-1a, then mixed: short names that differ in their last letter alone must not land side by side. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
