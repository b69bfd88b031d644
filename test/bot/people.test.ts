/** Who somebody is when it counts: at the click, and once more when the run starts. */
import { WebClient } from "@slack/web-api";
import { describe, expect, it } from "vitest";
import { createPeople } from "../../src/bot/people.ts";
import { silentLog } from "../../src/log.ts";
import { team } from "../../src/sandbox/slack/people.ts";
import { AMIR, bot, config, everything, OLGA, OPS, shows, type World, world } from "./harness.ts";

const approver = { kind: "person", id: AMIR, team: team.id } as const;

async function peopleOf(here: World, now: () => number) {
  const client = new WebClient(here.slack.botToken, { slackApiUrl: here.slack.apiUrl });
  return createPeople(client, config, team.id, silentLog, now);
}

/** Eve of another company, in our channel as Slack Connect lets her in. */
function letIn(here: World): void {
  here.slack.addPerson({
    id: "U0EVE",
    teamId: "T0OTHER",
    name: "Eve",
    realName: "Eve",
    kind: "member",
    title: "",
  });
  here.slack.addChannel({ id: OPS, name: "ops", topic: "", members: [OLGA, AMIR, "U0STEWARD", "U0EVE"] });
}

describe("a role by user group", () => {
  it("ends with the membership, at the latest five seconds later for whoever acts", async () => {
    const here = await world();
    let now = 0;
    const people = await peopleOf(here, () => now);
    expect((await people.resolve(approver, true)).actor.groups).toEqual(["S0APPROVERS"]);
    here.slack.setUserGroup("S0APPROVERS", ["U0BEA"]);
    now += 5_001;
    expect((await people.resolve(approver, true)).actor.groups).toEqual([]);
  });
});

describe("somebody of another company", () => {
  it("is refused at every button and command, even with a role's id in the config", async () => {
    const here = await world();
    letIn(here);
    here.config = {
      ...here.config,
      roles: { approver: { users: ["U0EVE"], groups: [] }, operator: here.config.roles.operator },
    };
    await bot(here);
    await here.slack.command(OLGA, OPS, "/ops", "update shop 1.1.0");
    const card = await shows(here.slack, "approval needed");
    for (const button of ["run_approve", "run_cancel"]) await here.slack.click("U0EVE", OPS, card.ts, button);
    await here.slack.command("U0EVE", OPS, "/ops", "status");
    await here.slack.until("three refusals", () => {
      const told = here.slack
        .messages(OPS, "U0EVE")
        .filter((one) => everything(one).includes("its own workspace only"));
      return told.length >= 3;
    });
    expect((await here.journal.query("select state from runs")).rows).toEqual([
      { state: "awaiting_approval" },
    ]);
  });

  it("gets no details either", async () => {
    const here = await world();
    letIn(here);
    await bot(here);
    await here.slack.command(OLGA, OPS, "/ops", "update shop 1.1.0");
    const card = await shows(here.slack, "approval needed");
    await here.slack.click("U0EVE", OPS, card.ts, "run_details");
    await shows(here.slack, "its own workspace only", "U0EVE");
    expect(here.slack.views("U0EVE")).toEqual([]);
  });
});

describe("a click that is sent again", () => {
  it("does nothing the second time: one delivery is one intent", async () => {
    const here = await world();
    const decided: string[] = [];
    const { decideApproval } = here.domain;
    here.domain.decideApproval = async (tx, request) => {
      decided.push(request.decision);
      return await decideApproval(tx, request);
    };
    await bot(here);
    await here.slack.command(OLGA, OPS, "/ops", "update shop 1.1.0");
    const card = await shows(here.slack, "approval needed");
    await Promise.all([
      here.slack.click(AMIR, OPS, card.ts, "run_approve"),
      here.slack.click(AMIR, OPS, card.ts, "run_approve"),
    ]);
    await shows(here.slack, "approved, waiting for its turn");
    await shows(here.slack, "is not waiting for an approval", AMIR);
    expect((await here.journal.query("select from approvals")).rowCount).toBe(1);
  });
});
