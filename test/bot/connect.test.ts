import { describe, expect, it } from "vitest";
import { parseConfig, readEnvironment } from "../../src/config.ts";
import { StewardError } from "../../src/errors.ts";
import { recordIntent } from "../../src/journal/intents.ts";
import { bot, config, OLGA, OPS, shows, world } from "./harness.ts";

const environment = readEnvironment({ STEWARD_CONFIG: "/nowhere/steward.yml" });

async function refusal(start: Promise<unknown>): Promise<string> {
  try {
    await start;
  } catch (error) {
    expect(error).toBeInstanceOf(StewardError);
    return `${(error as StewardError).code}: ${(error as StewardError).message} | ${(error as StewardError).hint}`;
  }
  throw new Error("the bot was expected not to start");
}

describe("bad tokens and channels", () => {
  it("end the start in one line that says which and what to do", async () => {
    const here = await world();
    const { slack } = here;
    const start = (botToken: string, appToken: string) =>
      refusal(bot(here, { slack: { botToken, appToken, apiUrl: slack.apiUrl } }));
    expect(await start("xoxb-wrong", slack.appToken)).toMatch(
      /^slack_auth: Slack refuses SLACK_BOT_TOKEN, Slack does not know it \| Copy the Bot/,
    );
    expect(await start(slack.botToken, "xapp-wrong")).toMatch(
      /^slack_auth: Slack refuses SLACK_APP_TOKEN, Slack does not know it \| Make an app-level/,
    );
    expect(await start(slack.appToken, slack.botToken)).toMatch(
      /^slack_auth: SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped/,
    );
    expect(await start("", slack.appToken)).toMatch(/SLACK_BOT_TOKEN, it is missing/);
    expect(await start(slack.botToken, "hello")).toMatch(/SLACK_APP_TOKEN, it does not begin with xapp-/);
    slack.failNext("auth.test", { error: "account_inactive" });
    expect(await start(slack.botToken, slack.appToken)).toMatch(
      /SLACK_BOT_TOKEN, its app or workspace was removed/,
    );
    slack.failNext("auth.test", { status: 503 });
    expect(await start(slack.botToken, slack.appToken)).toMatch(/^slack_unreachable/);
    expect(slack.state().connections).toBe(0);
  });

  it("name the channel that is not there", async () => {
    const here = await world();
    const other = parseConfig({ slack: { channel: "ops", incidents: "#pager" }, services: {} }, environment, {
      checks: {},
      tasks: ["health"],
    });
    expect(await refusal(bot({ ...here, config: other }))).toMatch(
      /^channel_missing: Channel #pager does not exist.*\| Create #pager/,
    );
  });

  it("let Steward into a public channel by itself", async () => {
    const here = await world();
    here.slack.addChannel({ id: "C0PAGER", name: "pager", topic: "", members: [OLGA] });
    const other = parseConfig(
      { slack: { channel: "pager", incidents: "C0INCIDENTS" }, services: {} },
      environment,
      { checks: {}, tasks: ["health"] },
    );
    await bot({ ...here, config: other });
    expect(here.slack.apiCalls("conversations.join")).toHaveLength(1);
  });
});

describe("the connection", () => {
  it("is two sockets, so a planned reconnect loses no command", async () => {
    const here = await world();
    await bot(here);
    expect(here.slack.state().connections).toBe(2);
    here.slack.disconnect("refresh_requested");
    await here.slack.until("two sockets again", () => here.slack.state().connections === 2);
    expect(await here.slack.command(OLGA, OPS, "/ops", "runs")).toMatchObject({ ok: true });
    await shows(here.slack, "No runs yet");
  });

  it("comes back by itself when it is cut and Slack refuses for a while", async () => {
    const here = await world();
    await bot(here);
    here.slack.failNext("apps.connections.open", { status: 503, times: 4 });
    here.slack.disconnect("drop");
    await here.slack.until("both sockets gone", () => here.slack.state().connections === 0);
    await here.slack.until("two sockets again", () => here.slack.state().connections === 2, 10_000);
    expect(await here.slack.command(OLGA, OPS, "/ops", "runs")).toMatchObject({ ok: true });
  });
});

describe("an intent", () => {
  it("that was delivered twice is carried out once", async () => {
    const here = await world();
    const delivery = {
      key: "command:1.2.3",
      kind: "command" as const,
      actor: { kind: "person" as const, id: OLGA, team: "T0SANDBOX" },
      channel: OPS,
      payload: { text: "update shop 1.1.0" },
    };
    expect([await recordIntent(here.journal, delivery), await recordIntent(here.journal, delivery)]).toEqual([
      true,
      false,
    ]);
    await bot(here);
    await shows(here.slack, "approval needed");
    expect((await here.journal.query("select 1 from runs")).rowCount).toBe(1);
  });

  it("is known by Slack's own key of the delivery", async () => {
    const here = await world();
    await bot(here);
    await here.slack.command(OLGA, OPS, "/ops", "update shop 1.1.0");
    const card = await shows(here.slack, "approval needed");
    await here.slack.click(OLGA, OPS, card.ts, "run_cancel");
    await shows(here.slack, "cancelled");
    const { rows } = await here.journal.query<{ key: string }>("select key from intents order by id");
    expect(rows.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^command:\d+\.\d+\.\w+$/),
      expect.stringMatching(/^action:\d+\.\d+\.\w+$/),
    ]);
  });

  it("that was left over by a crash is carried out at the next start", async () => {
    const here = await world();
    await recordIntent(here.journal, {
      key: "left",
      kind: "command",
      actor: { kind: "person", id: OLGA, team: "T0SANDBOX" },
      channel: OPS,
      payload: { text: "runs" },
    });
    await bot(here);
    expect((await shows(here.slack, "No runs yet")).ephemeralFor).toBe(OLGA);
  });
});

it("the services of the test's config are those that the tests name", () => {
  expect(config.services.map(({ id }) => id)).toEqual(["shop", "billing@staging", "billing@production"]);
});
