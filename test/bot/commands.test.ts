import { describe, expect, it } from "vitest";
import { AMIR, bot, everything, GUS, OLGA, OPS, shows, world } from "./harness.ts";

describe("a command in Slack", () => {
  it("is answered to the person alone, with every command and runbook in help", async () => {
    const here = await world();
    await bot(here);
    expect(await here.slack.command(OLGA, OPS, "/ops", "help")).toMatchObject({ ok: true });
    const help = await shows(here.slack, "What Steward can do");
    expect(help.ephemeralFor).toBe(OLGA);
    for (const usage of [
      "status",
      "health [SERVICE]",
      "runs",
      "run ID",
      "incidents",
      "incident ack ID",
      "cancel ID",
      "update SERVICE VERSION [--at TIME] [--plan]",
      "restart SERVICE [--at TIME] [--plan]",
    ]) {
      expect(everything(help)).toContain(`\`/ops ${usage}\``);
    }
  });

  it("is acknowledged only once its intent is durable, and says so when the journal is away", async () => {
    const here = await world();
    await bot(here);
    await here.journal.query("alter table intents rename to intents_away");
    expect(await here.slack.command(OLGA, OPS, "/ops", "status")).toMatchObject({ ok: true });
    await shows(here.slack, "journal unreachable");
    await shows(here.slack, "nothing was done");
    await here.journal.query("alter table intents_away rename to intents");
    await here.slack.command(OLGA, OPS, "/ops", "status");
    await shows(here.slack, "shop");
    const intents = await here.journal.query("select payload->>'text' as text from intents");
    expect(intents.rows).toHaveLength(1);
  });

  it("asks for a report in the channel, for all to see", async () => {
    const here = await world();
    await bot(here);
    await here.slack.command(GUS, OPS, "/ops", "health");
    expect((await shows(here.slack, "Health ·")).ephemeralFor).toBeUndefined();
  });

  it("lets a guest look, and never act", async () => {
    const here = await world();
    await bot(here);
    await here.slack.command(GUS, OPS, "/ops", "status");
    await shows(here.slack, "Next health report", GUS);
    await here.slack.command(GUS, OPS, "/ops", "update shop 1.1.0");
    await shows(here.slack, "Guests cannot use /ops update", GUS);
    await here.slack.command(AMIR, OPS, "/ops", "update shop 1.1.0");
    await shows(here.slack, "You are not an operator", AMIR);
    expect((await here.journal.query("select 1 from runs")).rowCount).toBe(0);
  });

  it("does not answer people of another workspace", async () => {
    const here = await world();
    here.slack.addPerson({
      id: "U9EVE",
      teamId: "T9OTHER",
      name: "Eve",
      realName: "Eve",
      kind: "member",
      title: "",
    });
    await bot(here);
    here.slack.addChannel({
      id: OPS,
      name: "ops",
      topic: "",
      members: [...here.slack.state().people.map(({ id }) => id)],
    });
    expect(await here.slack.command("U9EVE", OPS, "/ops", "status")).toMatchObject({ ok: true });
    await shows(here.slack, "own workspace only", "U9EVE");
    const intents = await here.journal.query("select state, error->>'code' as code from intents");
    expect(intents.rows).toEqual([{ state: "failed", code: "not_ours" }]);
  });

  it("counts a deactivation at once", async () => {
    const here = await world();
    await bot(here);
    await here.slack.command(OLGA, OPS, "/ops", "status");
    await shows(here.slack, "Next health report");
    here.slack.addPerson({
      id: OLGA,
      teamId: "T0SANDBOX",
      name: "Olga",
      realName: "Olga",
      kind: "guest",
      title: "",
    });
    await here.slack.command(OLGA, OPS, "/ops", "restart shop");
    await shows(here.slack, "Guests cannot");
  });

  it("changes nothing half: an unexpected error rolls back and names the log's entry", async () => {
    const here = await world();
    const { requestRun } = here.domain;
    here.domain.requestRun = async (tx, request) => {
      await requestRun(tx, request);
      throw new Error("secret detail");
    };
    await bot(here);
    await here.slack.command(OLGA, OPS, "/ops", "update shop 1.1.0");
    const answer = await shows(here.slack, "Something went wrong inside Steward");
    expect(everything(answer)).toContain("as intent");
    expect(everything(answer)).not.toContain("secret detail");
    expect((await here.journal.query("select 1 from runs")).rowCount).toBe(0);
  });
});

describe("bad input", () => {
  const cases: [string, string, string][] = [
    ["an unknown command", "staus", "Did you mean /ops status?"],
    ["an unknown service", "update shp 1.1.0", "Did you mean shop?"],
    ["an unknown run", "run 999", "There is no run 999"],
    ["an unknown option", "update shop 1.1.0 --force", "update has no option --force"],
    ["a service missing", "update", "update needs a service; known: shop"],
    ["shell in a version", "update shop ;rm", "cannot be used"],
    ["shell after a version", "update shop 1.1.0 ; rm -rf /", "cannot be used"],
    [
      "an option for git as a version",
      "update shop --upload-pack=touch",
      "update has no option --upload-pack",
    ],
    ["an option for git in quotes", 'update shop "--upload-pack=touch"', "cannot be used"],
    ["a path as a version", "update shop ../..", "cannot be used"],
    ["a substitution as a version", "update shop $(touch x)", "cannot be used"],
    ["10,000 characters", `update shop ${"x".repeat(10_000)}`, "at most 2000 are read"],
    ["a quote that stays open", 'update shop "1.1.0', "A quote is opened and not closed"],
    ["a number that is none", "cancel abc", "cannot be used"],
  ];

  it("is refused in words, to the person alone, and nothing is done", async () => {
    const here = await world();
    await bot(here);
    for (const [what, typed, answer] of cases) {
      expect(await here.slack.command(OLGA, OPS, "/ops", typed), what).toMatchObject({ ok: true });
      expect((await shows(here.slack, answer)).ephemeralFor, what).toBe(OLGA);
    }
    expect((await here.journal.query("select 1 from runs")).rowCount).toBe(0);
  });

  it("pings nobody: what was typed is shown as plain text", async () => {
    const here = await world();
    await bot(here);
    for (const typed of [
      "<!channel>",
      "@channel",
      "status <!here>",
      "update <@U0AMIR>",
      "update shop <https://evil.example|1.1.0>",
    ])
      await here.slack.command(OLGA, OPS, "/ops", typed);
    await here.slack.until("five answers", () => here.slack.messages(OPS, OLGA).length >= 5);
    for (const message of here.slack.messages(OPS, OLGA))
      expect(everything(message)).not.toMatch(/<[!@#](?!date)|<https?:/);
  });
});
