import cronParser from "cron-parser";

/** The newest ticks of a cron rule up to `now`, at most `limit`, newest first. Throws on a rule that is none. */
export function ticksBefore(rule: string, zone: string, now: Date, limit: number): Date[] {
  // the parser looks strictly before whole seconds: the second that `now` is in counts
  const from = new Date(Math.floor(now.getTime() / 1000) * 1000 + 1000);
  const expression = cronParser.parseExpression(rule, { currentDate: from, tz: zone });
  const ticks: Date[] = [];
  while (ticks.length < limit && expression.hasPrev()) ticks.push(expression.prev().toDate());
  return ticks;
}

/** The next tick of a cron rule after `now`. Throws on a rule that is none or never comes. */
export function nextTick(rule: string, zone: string, now: Date): Date {
  return cronParser.parseExpression(rule, { currentDate: now, tz: zone }).next().toDate();
}
