/** Foreign text made safe for mrkdwn, and how times and lengths are worded. */

/**
 * Any text as mrkdwn that shows exactly itself: it can neither mention, link nor pretend to be a token.
 * Invisible control and direction characters are dropped: they make text read differently from what it is.
 */
export function escaped(text: string): string {
  return clean(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Escaped first, then cut to `max` characters, never in the middle of an escape. */
export function safe(text: string, max = 300): string {
  return cut(escaped(ahead(text, max)), max);
}

/** The same for plain_text objects, which Slack does not parse. Never empty. */
export function plain(text: string, max: number): string {
  return cut(clean(ahead(text, max)), max) || "-";
}

/** One line: line breaks become spaces. */
export function line(text: string, max = 300): string {
  return safe(ahead(text, max).replace(/\s+/g, " ").trim(), max);
}

/** Inline code on one line. A backtick would end it, so it is shown as a look-alike. */
export function code(text: string, max = 300): string {
  const shown = line(text, max).replaceAll("`", "ˋ");
  return shown ? `\`${shown}\`` : "";
}

/** Cuts mrkdwn that was escaped already. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text
    .slice(0, max - 1)
    .replace(/&[a-z]{0,3}$/, "")
    .replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** `update web` → `Update web` */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `3 steps`, `1 step` */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Milliseconds in words: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  if (minutes < 1_440) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** A moment in the reader's own zone; UTC where Slack cannot work it out. */
export function moment(at: Date | string): string {
  const date = new Date(at);
  return `<!date^${Math.floor(date.getTime() / 1_000)}^{date_short_pretty} {time}|${date.toISOString().slice(0, 16).replace("T", " ")} UTC>`;
}

/** The last `lines` lines, at most `max` characters, with a mark where something was left out. */
export function tail(text: string, lines: number, max: number): string {
  const all = clean(text).trimEnd().split("\n");
  const shown = all.slice(-lines).join("\n");
  if (shown.length > max) return `…${shown.slice(-(max - 1)).replace(/^[\uDC00-\uDFFF]/, "")}`;
  return all.length > lines ? `…\n${shown}` : shown;
}

function pair(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}

/** No more than can be shown: what is done to a text afterwards costs by its length. */
function ahead(text: string, max: number): string {
  const most = max * 4 + 100;
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function clean(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be dropped
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
  );
}
