import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig, readEnvironment } from "../../src/config.ts";
import { checkUnits } from "../../src/tasks/checks/index.ts";
import { taskNames } from "../../src/tasks/index.ts";

const text = readFileSync(new URL("../../steward.example.yml", import.meta.url), "utf8");
const variables = {
  SHOP_DATABASE_URL: "postgres://shop:pw-of-shop@localhost/shop",
  SHOP_ADMIN_DATABASE_URL: "postgres://admin:pw-of-admin@localhost/shop",
  SHOP_REGISTRY_TOKEN: "registry-token",
};
const load = (input: unknown) =>
  parseConfig(input, readEnvironment(variables), { checks: checkUnits(), tasks: taskNames() });

describe("steward.example.yml", () => {
  it("is a config that loads", () => {
    const config = load(parse(text));
    expect(config.services.map((service) => service.id)).toEqual([
      "shop",
      "site",
      "shop-api@staging",
      "shop-api@production",
    ]);
    expect(config.secrets).toContain("pw-of-admin");
  });

  it("shows every setting: those that a mistyped one is answered with", () => {
    const input = parse(text);
    input.zzz = input.slack.zzz = input.roles.zzz = input.roles.operator.zzz = 1;
    const { shop } = input.services;
    shop.zzz = 1;
    for (const part of [
      "repository",
      "database",
      "redis",
      "health",
      "commands",
      "runbooks",
      "preflight",
      "standing",
    ])
      shop[part].zzz = 1;
    shop.windows[0].zzz = shop.standing.rollback.zzz = shop.runbooks.rollback.zzz = input.freezes[0].zzz = 1;
    input.services.site.fleet.zzz = input.services.site.fleet.groups.rest[0].zzz = 1;
    shop.runbooks.update.zzz = input.schedules.zzz = input.schedules.health.zzz = input.backups.zzz = 1;
    input.services["shop-api"].environments.production.host.zzz = 1;
    for (const check of shop.checks) check.zzz = 1;
    const said = messageOf(() => load(input));
    const lists = [...said.matchAll(/\.?zzz: unknown setting; allowed: (.*)$/gm)].map((match) => match[1]!);
    expect(lists.length).toBe(32);
    const settings = new Set(lists.flatMap((list) => list.split(", ")));
    const missing = [...settings].filter(
      (setting) => !new RegExp(`(^|[\\s{,#-])${setting}:`, "m").test(text),
    );
    expect(missing).toEqual([]);
  });

  it("shows every kind of check and every task", () => {
    const { services, schedules } = parse(text);
    const types = new Set(services.shop.checks.map((check: { type: string }) => check.type));
    expect([...types].sort()).toEqual(Object.keys(checkUnits()).sort());
    expect(Object.keys(schedules)).toEqual([...taskNames()]);
  });
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
