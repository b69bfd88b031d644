/** When a run may start: what people type for `--at`, and the times that windows and freezes leave open. */
import cronParser from "cron-parser";
import type { Config, Service } from "../config.ts";
import { StewardError } from "../errors.ts";

const FARTHEST_MS = 90 * 86_400_000;
const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/**
 * `22:30` (the next one), `2026-11-24T02:00` or `+2h`, in `zone`. Throws `bad_time` for anything else, for what
 * has passed, and for more than 90 days ahead.
 */
export function parseTime(typed: string, zone: string, now: Date): Date {
  const at = readTime(typed.trim(), zone, now);
  if (at && at > now && at.getTime() - now.getTime() <= FARTHEST_MS) return at;
  const why = !at
    ? "is no time"
    : at <= now
      ? `has passed: it is ${at.toISOString()}`
      : "is more than 90 days ahead";
  throw new StewardError("bad_time", `'${typed.slice(0, 40)}' ${why}`, {
    hint: `Say 22:30, 2026-11-24T02:00 (both ${zone}) or +2h.`,
  });
}

function readTime(typed: string, zone: string, now: Date): Date | undefined {
  const later = /^\+(\d{1,4})(m|h|d)$/.exec(typed);
  if (later) return new Date(now.getTime() + Number(later[1]) * UNITS[later[2]!]!);
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(typed);
  if (clock) return next(`${Number(clock[2])} ${Number(clock[1])} * * *`, zone, now);
  const moment = /^(\d{4})-(\d\d)-(\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)$/.exec(typed);
  if (!moment) return undefined;
  const [, year, month, day, hour, minute] = moment.map(Number) as [
    0,
    number,
    number,
    number,
    number,
    number,
  ];
  const before = new Date(Date.UTC(year, month - 1, day) - 2 * 86_400_000);
  try {
    const at = next(`${minute} ${hour} ${day} ${month} *`, zone, before);
    // the 31st of a shorter month would be next year's
    return at.getTime() - before.getTime() < 5 * 86_400_000 ? at : undefined;
  } catch {
    return undefined;
  }
}

/** A freeze that covers this service now, by the calendar of the config's zone. */
export function freezeAt(
  config: Pick<Config, "freezes" | "zone">,
  service: Pick<Service, "name">,
  now: Date,
): Config["freezes"][number] | undefined {
  const today = localTime(now, config.zone).day;
  return config.freezes.find(
    ({ from, to, services }) =>
      from <= today && today <= to && (services === undefined || services.includes(service.name)),
  );
}

/** Whether one of the service's windows is open; one without windows is always open. */
export function windowOpen(zone: string, service: Pick<Service, "windows">, now: Date): boolean {
  if (service.windows.length === 0) return true;
  const { weekday, minute } = localTime(now, zone);
  const today = DAYS[weekday]!;
  const yesterday = DAYS[(weekday + 6) % 7]!;
  return service.windows.some(({ days, from, to }) =>
    from < to
      ? days.includes(today) && minute >= from && minute < to
      : (days.includes(today) && minute >= from) || (days.includes(yesterday) && minute < to),
  );
}

/** The first time from `now` on that no freeze covers and that lies in a window. Null when there is none in a year. */
export function nextAllowed(
  config: Pick<Config, "freezes" | "zone">,
  service: Pick<Service, "name" | "windows">,
  now: Date,
): Date | null {
  let at = now;
  while (at.getTime() - now.getTime() < 366 * 86_400_000) {
    const freeze = freezeAt(config, service, at);
    if (freeze) {
      const [, month, day] = freeze.to.split("-").map(Number);
      // the last day's own midnight lies behind when the freeze is a single day
      const lastDay =
        localTime(at, config.zone).day === freeze.to ? at : next(`0 0 ${day} ${month} *`, config.zone, at);
      at = next("0 0 * * *", config.zone, lastDay);
    } else if (windowOpen(config.zone, service, at)) return at;
    else at = nextOpening(config.zone, service, at);
  }
  return null;
}

function nextOpening(zone: string, service: Pick<Service, "windows">, after: Date): Date {
  const openings = service.windows.map(({ days, from }) =>
    next(
      `${from % 60} ${Math.floor(from / 60)} * * ${days.map((day) => DAYS.indexOf(day)).join(",")}`,
      zone,
      after,
    ),
  );
  return new Date(Math.min(...openings.map((opening) => opening.getTime())));
}

function next(rule: string, zone: string, after: Date): Date {
  return cronParser.parseExpression(rule, { currentDate: after, tz: zone }).next().toDate();
}

/** `day` as 2026-12-24, `weekday` from Sunday on, `minute` after midnight. */
function localTime(at: Date, zone: string): { day: string; weekday: number; minute: number } {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)!.value;
  return {
    day: `${part("year")}-${part("month")}-${part("day")}`,
    weekday: DAYS.indexOf(part("weekday").toLowerCase() as (typeof DAYS)[number]),
    minute: Number(part("hour")) * 60 + Number(part("minute")),
  };
}
