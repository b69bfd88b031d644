/** How runs of a service are governed: what the file says and what it may not say. */
import { describe, expect, it } from "vitest";
import { parseConfig, readEnvironment, type Service } from "../../src/config.ts";

const environment = { ...readEnvironment({}), configPath: "/etc/steward.yml" };
const units = { checks: {}, tasks: ["health"] };
const parse = (services: object, top: object = {}) =>
  parseConfig({ slack: { channel: "ops", incidents: "incidents" }, services, ...top }, environment, units);
const shop = (settings: object): Service => parse({ shop: settings }).services[0]!;
const problems = (services: object, top: object = {}): string => {
  try {
    parse(services, top);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

describe("the rules of runbooks", () => {
  it("are those of update where a runbook has none of its own, but only releases are watched", () => {
    const { runbooks } = shop({
      runbooks: { update: { approvals: 2, watch: "5m" }, rollback: { approvals: 1 } },
    });
    expect(runbooks.update).toMatchObject({ approvals: 2, watch: 300_000, onCritical: "ask" });
    expect(runbooks.hotfix).toMatchObject({ approvals: 2, watch: 300_000 });
    expect(runbooks.rollback).toMatchObject({ approvals: 1, watch: 0 });
    expect(runbooks.restart).toMatchObject({ approvals: 2, watch: 0 });
  });
});

describe("a fleet", () => {
  const groups = {
    canary: [{ ssh: "a" }],
    rest: [{ ssh: "b", name: "bee", identity: "keys/b" }, { ssh: "c" }],
  };

  it("is its hosts in order, the first of which does what is done once", () => {
    const service = shop({
      fleet: { groups, strategy: "canary", batch: 2 },
      repository: { path: "/srv/shop" },
    });
    expect(service.fleet).toMatchObject({ strategy: "canary", batch: 2, maxFailures: 0, undo: "all" });
    expect(service.fleet!.hosts.map(({ name, group }) => `${group}/${name}`)).toEqual([
      "canary/a",
      "rest/bee",
      "rest/c",
    ]);
    expect(service.fleet!.hosts[1]!.host).toEqual({ ssh: "b", identity: "/etc/keys/b" });
    expect(service.host).toEqual({ ssh: "a" });
  });

  it("is not declared beside a host, without hosts, or with a relative path", () => {
    expect(problems({ shop: { fleet: { groups }, host: { ssh: "x" } } })).toMatch(/host or fleet, not both/);
    expect(problems({ shop: { fleet: { groups: {} } } })).toMatch(/at least one group of hosts/);
    expect(problems({ shop: { fleet: { groups: { a: [] } } } })).toMatch(/at least one host/);
    expect(problems({ shop: { fleet: { groups }, repository: { path: "shop" } } })).toMatch(/begins with \//);
    expect(problems({ shop: { fleet: { groups: { a: [{ ssh: "a" }, { ssh: "a" }] } } } })).toMatch(
      /a name that no other host of the fleet has/,
    );
  });
});

describe("windows and freezes", () => {
  it("are times of the week and days of the calendar, in one zone", () => {
    const config = parse(
      { shop: { windows: [{ days: ["mon"], from: "22:00", to: "02:30" }] } },
      { zone: "Europe/Berlin", freezes: [{ from: "2026-12-20", to: "2027-01-02", reason: "year end" }] },
    );
    expect(config.services[0]!.windows).toEqual([{ days: ["mon"], from: 1_320, to: 150 }]);
    expect(config.zone).toBe("Europe/Berlin");
  });

  it.each([
    [{ windows: [{ from: "22:00", to: "22:00" }] }, {}, /from and to differ/],
    [{ windows: [{ from: "24:00", to: "22:00" }] }, {}, /a time of day such as '09:30'/],
    [{ windows: [{ from: 1320, to: "22:00" }] }, {}, /in quotes/],
    [{}, { freezes: [{ from: "2027-01-02", to: "2026-12-20", reason: "x" }] }, /from is not after its to/],
    [{}, { freezes: [{ from: "2026-02-31", to: "2026-12-20", reason: "x" }] }, /a day such as/],
    [{}, { zone: "Mars/Olympus" }, /a time zone such as/],
  ])("%j and %j are refused", (service, top, message) => {
    expect(problems({ shop: service }, top)).toMatch(message);
  });
});

describe("the order of environments", () => {
  it("names another environment of the same service", () => {
    const environments = (after: string) => ({
      shop: { environments: { staging: {}, production: { after } } },
    });
    expect(parse(environments("staging")).services[1]).toMatchObject({
      id: "shop@production",
      after: "staging",
    });
    expect(problems(environments("stagign"))).toMatch(
      /services.shop@production.after: 'stagign'; allowed: staging/,
    );
    expect(problems(environments("production"))).toMatch(/allowed: staging/);
    expect(problems({ shop: { after: "staging" } })).toMatch(/no other environment/);
  });
});

describe("the declaration's hash", () => {
  it("changes with what is declared and with nothing else", () => {
    const one = shop({ standing: { restart: { hourly: 2 } } }).declaration;
    expect(shop({ standing: { restart: { hourly: 2 } } }).declaration).toBe(one);
    expect(shop({ standing: { restart: { hourly: 3 } } }).declaration).not.toBe(one);
  });
});
