/** Dates and times in the reader's own zone and language. */

const DAY_MS = 86_400_000;

/** "10:42" of a Slack ts or of seconds since 1970. */
export function timeOf(ts) {
  return format(ts, { hour: "numeric", minute: "2-digit" });
}

export function fullDateOf(ts) {
  return format(ts, { dateStyle: "full", timeStyle: "medium" });
}

/** Same text for the same local day. */
export function dayKey(ts) {
  const date = toDate(ts);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** "Today", "Yesterday", "Monday 23 November". */
export function dayName(ts) {
  return relativeDay(ts) ?? format(ts, { weekday: "long", day: "numeric", month: "long" });
}

/** Slack's date format: `{date_short_pretty} at {time}` of seconds since 1970. */
export function formatDate(seconds, pattern) {
  if (Number.isNaN(toDate(seconds).getTime())) return null;
  return pattern.replaceAll(/\{(\w+)\}/g, (whole, name) => TOKENS[name]?.(seconds) ?? whole);
}

const TOKENS = {
  date_num: (s) => {
    const date = toDate(s);
    return [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  },
  date_slash: (s) => format(s, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: (s) => format(s, { year: "numeric", month: "long", day: "numeric" }),
  date_short: (s) => format(s, { year: "numeric", month: "short", day: "numeric" }),
  date_long: (s) => format(s, { weekday: "long", year: "numeric", month: "long", day: "numeric" }),
  date_pretty: (s) => pretty(s, TOKENS.date),
  date_short_pretty: (s) => pretty(s, TOKENS.date_short),
  date_long_pretty: (s) => pretty(s, TOKENS.date_long),
  day_divider_pretty: (s) => pretty(s, TOKENS.date_long),
  time: (s) => timeOf(s),
  time_secs: (s) => format(s, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (s) => ago(s),
};

function toDate(ts) {
  return new Date(Number(ts) * 1000);
}

function format(ts, options) {
  return new Intl.DateTimeFormat(undefined, options).format(toDate(ts));
}

function two(number) {
  return String(number).padStart(2, "0");
}

function pretty(seconds, otherwise) {
  return relativeDay(seconds)?.toLowerCase() ?? otherwise(seconds);
}

function relativeDay(ts) {
  const now = Date.now();
  if (dayKey(ts) === dayKey(now / 1000)) return "Today";
  if (dayKey(ts) === dayKey((now - DAY_MS) / 1000)) return "Yesterday";
  if (dayKey(ts) === dayKey((now + DAY_MS) / 1000)) return "Tomorrow";
  return null;
}

function ago(seconds) {
  const distance = Number(seconds) - Date.now() / 1000;
  const units = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
    ["second", 1],
  ];
  const [unit, size] = units.find(([, length]) => Math.abs(distance) >= length) ?? units[3];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(
    Math.round(distance / size),
    unit,
  );
}
