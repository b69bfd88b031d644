import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { findService, hasRole, loadConfig, parseConfig, readEnvironment } from "../src/config.ts";
import { StewardError } from "../src/errors.ts";

const units = {
  checks: {
    http: z.object({ url: z.string().optional(), warning: z.number().max(100).default(1) }),
    cpu: z.object({}),
  },
  tasks: ["health"],
};
const slack = { channel: "#ops", incidents: "#incidents" };
const parse = (input: unknown, variables: Record<string, string> = {}) =>
  parseConfig(input, readEnvironment(variables), units);
const withShop = (shop: unknown, variables?: Record<string, string>) =>
  parse({ slack, services: { shop } }, variables);

/** The lines of the refusal, without its head. */
function problems(input: unknown, variables: Record<string, string> = {}): string[] {
  try {
    parse(input, variables);
  } catch (error) {
    expect((error as StewardError).code).toBe("config_invalid");
    return (error as StewardError).message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  throw new Error("the config was accepted");
}
const shopProblems = (shop: unknown, variables?: Record<string, string>) =>
  problems({ slack, services: { shop } }, variables);

describe("a config with problems", () => {
  it("is refused with all of them at once, each with its path, its value and what is allowed", () => {
    const found = problems({
      slack: { channel: "#ops" },
      roles: { operator: { users: ["bob"] } },
      services: {
        Shop: {},
        shop: {
          health: { url: "nope", status: "200" },
          commands: { restart: "systemctl restart shop", install: [] },
          commandTimeout: "5 minutes",
          checks: [{ type: "htttp" }, { type: "http", every: 5, bad: "4 of 3", warning: 200 }],
          runbooks: { update: { approvals: 0 } },
        },
      },
      schedules: { health: { at: "0 8", zone: "Mars" } },
    });
    expect(found).toEqual([
      "slack.incidents: missing; allowed: a text",
      "roles.operator.users[0]: 'bob'; allowed: a Slack user id such as U024BE7LH",
      "services.Shop: 'Shop'; allowed: a name of lower-case letters, digits, - and _, at most 40",
      "services.shop.health.url: 'nope'; allowed: a URL that begins with http:// or https:// and holds no password; {env: NAME} or {file: PATH} for one that does",
      "services.shop.health.status: '200'; allowed: a number",
      "services.shop.commands.install: an empty list; allowed: at least the program",
      "services.shop.commands.restart: 'systemctl restart shop'; allowed: a list of arguments such as [systemctl, restart, shop]",
      "services.shop.commandTimeout: '5 minutes'; allowed: a duration such as 500ms, 5s, 2m, 1h or 7d",
      "services.shop.checks[0].type: 'htttp'; allowed: http, cpu (did you mean http?)",
      "services.shop.checks[1].warning: 200; allowed: at most 100",
      "services.shop.checks[1].every: 5; allowed: a duration such as 500ms, 5s, 2m, 1h or 7d",
      "services.shop.checks[1].bad: '4 of 3'; allowed: a rule such as '2 of 3', the second number at most 20",
      "services.shop.runbooks.update.approvals: 0; allowed: at least 1",
      "schedules.health.at: '0 8'; allowed: a cron rule of 5 or 6 fields such as '0 0 8 * * *'",
      "schedules.health.zone: 'Mars'; allowed: a time zone such as Europe/Berlin or UTC",
    ]);
  });

  it("counts them in its first line", () => {
    expect(() => parse({})).toThrow(/^steward\.yml has 2 problems:\n/);
    expect(() => withShop({ helth: {} })).toThrow(/^steward\.yml has 1 problem:\n/);
  });

  it("never speaks in the validator's own words", () => {
    const shapes = [
      null,
      [1],
      "x",
      5,
      {},
      { services: [], slack: [] },
      { slack, services: { shop: null } },
      {
        slack,
        services: {
          shop: { redis: 5, files: 5, observe: "yes", host: { shh: 1 }, health: { json: { a: null } } },
        },
        schedules: [1],
      },
    ];
    for (const shape of shapes)
      expect(problems(shape).join("\n")).not.toMatch(/Invalid|Unrecognized|expected|undefined|record\b/);
  });
});

describe("a mistyped setting", () => {
  it.each([
    [
      { slack: { ...slack, chanel: "#x" }, services: {} },
      "slack.chanel: unknown setting; allowed: channel, incidents (did you mean channel?)",
    ],
    [
      { slack, services: {}, roles: { aprover: {} } },
      "roles.aprover: unknown setting; allowed: operator, approver, admin, breakGlass (did you mean approver?)",
    ],
    [
      { slack, services: {}, schedules: { helth: {} } },
      "schedules.helth: unknown setting; allowed: health (did you mean health?)",
    ],
    [
      { slack, servces: {}, services: {} },
      "servces: unknown setting; allowed: slack, roles, zone, freezes, plugins, services, schedules, backups (did you mean services?)",
    ],
  ])("is answered with the known ones and the nearest: %#", (input, line) => {
    expect(problems(input)).toContain(line);
  });

  it("is found in a check too, beside the settings of its own type", () => {
    expect(shopProblems({ checks: [{ type: "http", warnin: 3 }] })).toEqual([
      "services.shop.checks[0].warnin: unknown setting; allowed: type, url, warning, name, every, timeout, bad, good (did you mean warning?)",
    ]);
  });

  it("suggests nothing where nothing is near", () => {
    expect(problems({ slack: { ...slack, zzzzzz: 1 }, services: {} })[0]).not.toContain("did you mean");
  });
});

describe("secrets", () => {
  const leaks: [string, unknown][] = [
    ["a password in the database's URL", { database: { url: "postgres://shop:hunter2@db/shop" } }],
    ["a password with a slash in it", { database: { url: "postgres://shop:a/hunter2@db/shop" } }],
    ["a password in the URL of Redis", { redis: { url: "redis://:hunter2@cache" } }],
    ["a password in the health URL", { health: { url: "https://shop:hunter2@shop.example/health" } }],
    ["a password in a check's URL", { checks: [{ type: "http", url: "https://shop:hunter2@shop.example" }] }],
    ["a variable that is named as a secret", { environment: { SHOP_PASSWORD: "hunter2" } }],
    ["a secret key of a framework", { environment: { SECRET_KEY: "hunter2" } }],
    ["a variable with a password in its URL", { environment: { BROKER: "amqp://shop:hunter2@broker" } }],
    ["a command's argument", { commands: { restart: ["deploy", "--password=hunter2"] } }],
    ["a secret in the wrong place", { redis: "redis://:hunter2@cache" }],
    ["a map in the wrong place", { owner: { password: "hunter2" } }],
    ["a list in the wrong place", { redis: [{ password: "hunter2" }] }],
    ["a reference with a literal beside it", { database: { url: { env: "SHOP_URL", password: "hunter2" } } }],
  ];
  it.each(leaks)("are refused as literals and not echoed: %s", (_, shop) => {
    const said = shopProblems(shop).join("\n");
    expect(said).toContain("services.shop.");
    expect(said).not.toContain("hunter2");
  });

  it("are read from the environment and from files, and collected for the redaction", async () => {
    const folder = await mkdtemp(join(tmpdir(), "steward-config-"));
    await writeFile(join(folder, "token"), "from-a-file\nrest\n");
    const config = withShop(
      {
        database: { url: { env: "SHOP_URL" } },
        environment: { API_TOKEN: { file: join(folder, "token") }, MODE: "live" },
      },
      { SHOP_URL: "postgres://shop:p%40ss@db/shop", SLACK_BOT_TOKEN: "xoxb-1-2-three" },
    );
    await rm(folder, { recursive: true });
    expect(config.services[0]?.database?.url).toBe("postgres://shop:p%40ss@db/shop");
    expect(config.services[0]?.environment).toEqual({ API_TOKEN: "from-a-file", MODE: "live" });
    expect([...config.secrets].sort()).toEqual(["from-a-file", "p%40ss", "p@ss", "xoxb-1-2-three"]);
  });

  it("that do not exist are named by their variable or file", () => {
    const shop = {
      database: { url: { env: "SHOP_URL" } },
      environment: { TOKEN: { file: "/nowhere/token" } },
    };
    expect(shopProblems(shop)).toEqual([
      "services.shop.database.url: a map with env; allowed: the name of a variable that is set; environment variable SHOP_URL is not",
      "services.shop.environment.TOKEN: a map with file; allowed: a path whose first line is the value; file /nowhere/token is missing, unreadable or empty",
    ]);
  });

  it("of the wrong kind are told without their value", () => {
    const said = shopProblems(
      { database: { url: { env: "SHOP_URL" } } },
      { SHOP_URL: "mysql://u:hunter2@h/d" },
    )[0];
    expect(said).toContain(
      "begins with postgres:// or postgresql://; what environment variable SHOP_URL holds does not",
    );
    expect(said).not.toContain("hunter2");
  });

  it("with a broken percent sign do not break the start", () => {
    const config = withShop({ database: { url: { env: "U" } } }, { U: "postgres://u:100%@h/d" });
    expect(config.secrets).toContain("100%");
  });

  it("are not seen where there are none: a socket's URL, a role without a password", () => {
    for (const url of ["postgres:///shop?host=/run/pg", "postgresql://shop@db:5432/shop"])
      expect(withShop({ database: { url } }).services[0]?.database?.url).toBe(url);
  });
});

describe("environments", () => {
  const services = {
    shop: {
      health: { url: "http://staging.example/health", version: "version" },
      commands: { restart: ["restart-shop"] },
      environments: {
        staging: null,
        production: { health: { url: "https://shop.example/health" }, observe: true },
      },
    },
    lone: { environments: { production: {} } },
  };
  const config = parse({ slack, services });

  it("become services of their own, their settings laid over the shared ones", () => {
    expect(config.services.map(({ id, name, environmentName }) => [id, name, environmentName])).toEqual([
      ["shop@staging", "shop", "staging"],
      ["shop@production", "shop", "production"],
      ["lone@production", "lone", "production"],
    ]);
    const [staging, production] = config.services;
    expect(staging).toMatchObject({ observe: false, health: { url: "http://staging.example/health" } });
    expect(production).toMatchObject({
      observe: true,
      health: { url: "https://shop.example/health", version: "version" },
      commands: { restart: ["restart-shop"] },
    });
  });

  it("are found by their whole id, and a bare name never means production", () => {
    expect(findService(config, "shop@production").id).toBe("shop@production");
    expect(findService(config, "shop").id).toBe("shop@staging");
    expect(() => findService(config, "lone")).toThrow(expect.objectContaining({ code: "ambiguous_service" }));
  });

  it("that are ambiguous or unknown are answered with the choices", () => {
    const three = parse({ slack, services: { shop: { environments: { a: {}, b: {}, production: {} } } } });
    expect(() => findService(three, "shop")).toThrow(
      expect.objectContaining({
        code: "ambiguous_service",
        hint: "Say which: shop@a, shop@b, shop@production",
      }),
    );
    expect(() => findService(config, "shop@stagin")).toThrow(
      expect.objectContaining({ code: "unknown_service", hint: "Did you mean shop@staging?" }),
    );
    expect(() => findService(config, "<!channel>".repeat(1_000))).toThrow(
      /^Unknown service '.{60}'; known: shop@staging/,
    );
  });

  it("with problems are named by their id", () => {
    expect(shopProblems({ environments: { staging: { obsrve: true }, production: {} } })[0]).toMatch(
      /^services\.shop@staging\.obsrve: unknown setting; .*\(did you mean observe\?\)$/,
    );
    expect(shopProblems({ environments: {} })).toEqual([
      "services.shop.environments: an empty map; allowed: a map from environment to its settings",
    ]);
    expect(shopProblems({ environments: { "Big One": {} } })[0]).toContain(
      "services.shop.environments.Big One: 'Big One'; allowed: a map of settings, under a name",
    );
    expect(problems({ slack, services: { a__b: {} } })[0]).toContain("without two underscores");
    expect(problems({ slack, services: { a_: { environments: { b: {} } } } })[0]).toContain(
      "does not end in _",
    );
  });
});

describe("a good config", () => {
  it("gets its defaults, and paths from where it stands", () => {
    const environment = readEnvironment({
      STEWARD_CONFIG: "/etc/steward/steward.yml",
      STEWARD_HOME: "/var/lib/x",
    });
    const config = parseConfig(
      {
        slack,
        services: { shop: { repository: { path: "../shop" }, runbooks: { update: { expires: "2h" } } } },
      },
      environment,
      units,
    );
    const [shop] = config.services;
    expect(shop).toMatchObject({
      id: "shop",
      observe: false,
      commandTimeout: 600_000,
      files: [],
      commands: {},
    });
    expect(shop?.repository).toEqual({
      path: "/etc/shop",
      remote: "origin",
      tag: "v{version}",
      branch: "main",
      signed: false,
    });
    expect(shop?.runbooks.update).toEqual({
      approvals: 1,
      expires: 7_200_000,
      good: 3,
      goodEvery: 2_000,
      goodWithin: 120_000,
      watch: 600_000,
      onCritical: "ask",
    });
    expect(shop?.runbooks.rollback.expires).toBe(7_200_000);
    expect(config.backupFolder).toBe("/var/lib/x/backups");
  });

  it("reads durations and rules", () => {
    const [shop] = withShop({
      checks: [{ type: "http", every: "1.5s", timeout: "500ms", bad: "2 of 3" }],
    }).services;
    expect(shop?.checks).toEqual([
      { type: "http", warning: 1, every: 1_500, timeout: 500, bad: { k: 2, n: 3 } },
    ]);
  });

  it("has no two checks of one name", () => {
    const twins = [
      { type: "http", name: "a" },
      { type: "cpu", name: "a" },
    ];
    expect(shopProblems({ checks: twins })).toEqual([
      "services.shop.checks[1].name: 'a'; allowed: a name that no other check of the service has",
    ]);
  });
});

describe("the file", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "steward-config-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const load = async (text: string) => {
    const path = join(folder, "steward.yml");
    await writeFile(path, text);
    return await loadConfig(readEnvironment({ STEWARD_CONFIG: path }), units);
  };

  it("that is missing is told with its path and how to get one", async () => {
    const missing = loadConfig(readEnvironment({ STEWARD_CONFIG: join(folder, "no.yml") }), units);
    await expect(missing).rejects.toMatchObject({
      code: "config_missing",
      message: `No config at ${join(folder, "no.yml")}`,
    });
  });

  it("that is no YAML is told with the line", async () => {
    await expect(load("slack: {channel: '#ops'\nservices: [")).rejects.toMatchObject({
      code: "config_invalid",
    });
    await expect(load("slack: {channel: '#ops'\nservices: [")).rejects.toThrow(/is not YAML: .*line \d/s);
  });

  it("that is empty is told what it needs", async () => {
    await expect(load("")).rejects.toThrow("slack: missing; allowed: a map with channel, incidents");
  });

  it("that is good is read", async () => {
    const config = await load("slack: {channel: '#ops', incidents: '#incidents'}\nservices: {shop: {}}\n");
    expect(config.services.map((service) => service.id)).toEqual(["shop"]);
  });
});

describe("the environment", () => {
  it("has defaults for what is not set or empty", () => {
    const environment = readEnvironment({ PORT: "", LOG_LEVEL: "", SLACK_BOT_TOKEN: "" });
    expect(environment).toMatchObject({
      production: false,
      port: 4480,
      sandboxPort: 4400,
      logLevel: "info",
      slack: {},
    });
    expect(environment.slack.botToken).toBeUndefined();
  });

  it("is refused with every bad variable in one message", () => {
    const bad = () => readEnvironment({ PORT: "http", SANDBOX_PORT: "70000", LOG_LEVEL: "loud" });
    expect(bad).toThrow(StewardError);
    expect(bad).toThrow(
      /3 problems[\s\S]*LOG_LEVEL: 'loud'[\s\S]*PORT: 'http'[\s\S]*SANDBOX_PORT: '70000'; allowed: a port from 0 to 65535/,
    );
  });
});

describe("roles", () => {
  const roles = { operator: { users: ["U1"], groups: ["S1"] }, admin: { users: ["U9"], groups: [] } };
  const person = (id: string, groups: string[] = []) => ({ kind: "person", id, groups });

  it("are given by user and by group", () => {
    expect(hasRole(roles, person("U1"), "operator")).toBe(true);
    expect(hasRole(roles, person("U2", ["S1"]), "operator")).toBe(true);
    expect(hasRole(roles, person("U2", ["S2"]), "operator")).toBe(false);
  });

  it("that are empty or not declared deny everyone but admins", () => {
    expect(hasRole(roles, person("U1"), "approver")).toBe(false);
    expect(hasRole({}, person("U1"), "operator")).toBe(false);
    expect(hasRole(roles, person("U9"), "approver")).toBe(true);
    expect(hasRole(roles, person("U9"), "operator")).toBe(true);
  });

  it("of an operator do not make an admin, and guests and machines have none", () => {
    expect(hasRole(roles, person("U1"), "admin")).toBe(false);
    expect(hasRole(roles, { ...person("U1"), guest: true }, "operator")).toBe(false);
    expect(hasRole(roles, { kind: "system", id: "U1" }, "operator")).toBe(false);
  });
});

describe("a service's host", () => {
  const hostOf = (host: unknown) => withShop({ host }).services[0]!.host;

  it("is Steward's own machine unless it is told", () => {
    expect([withShop({}).services[0]!.host, hostOf("local")]).toEqual(["local", "local"]);
  });

  it("over SSH has its files beside the config, but for those that ssh finds at home", () => {
    expect(
      hostOf({ ssh: "shop-1", user: "deploy", port: 2222, identity: "keys/shop", knownHosts: "~/.ssh/shop" }),
    ).toEqual({
      ssh: "shop-1",
      user: "deploy",
      port: 2222,
      identity: join(process.cwd(), "keys/shop"),
      knownHosts: "~/.ssh/shop",
    });
  });

  it("may differ between environments", () => {
    const { services } = withShop({
      host: { ssh: "shop-1", user: "deploy" },
      environments: { staging: { host: "local" }, production: { host: { ssh: "shop-2" } } },
    });
    expect(services.map(({ host }) => host)).toEqual(["local", { ssh: "shop-2", user: "deploy" }]);
  });

  it("with problems is answered with what is allowed", () => {
    const address =
      "a host's name or address such as shop-1.example.com; its user and port have settings of their own";
    for (const [host, ...lines] of [
      ["shop-1", "host: 'shop-1'; allowed: local, or a map with ssh, user, port, identity, knownHosts"],
      [{}, "host.ssh: missing; allowed: a host's name or address"],
      [{ ssh: "-oProxyCommand=id" }, `host.ssh: '-oProxyCommand=id'; allowed: ${address}`],
      [{ ssh: "deploy@shop-1" }, `host.ssh: 'deploy@shop-1'; allowed: ${address}`],
      [
        { ssh: "shop-1", user: "-l", port: 0 },
        "host.user: '-l'; allowed: a user's name such as deploy",
        "host.port: 0; allowed: at least 1",
      ],
      [
        { ssh: "shop-1", prot: 22 },
        "host.prot: unknown setting; allowed: ssh, user, port, identity, knownHosts (did you mean port?)",
      ],
    ] as const) {
      const found = shopProblems({ host });
      expect(found).toHaveLength(lines.length);
      for (const [index, line] of lines.entries()) expect(found[index]).toContain(`services.shop.${line}`);
    }
    expect(shopProblems({ host: { ssh: "shop-1" }, repository: { path: "shop" } })).toEqual([
      "services.shop.repository.path: 'shop'; allowed: a path on the service's host that begins with /",
    ]);
  });
});
