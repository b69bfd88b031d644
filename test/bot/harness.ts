/** The bot on a stand-in for Slack and a real journal, with a small domain that is enough for what is tested. */
import { afterEach } from "vitest";
import { type BotOptions, startBot } from "../../src/bot/app.ts";
import type { Domain } from "../../src/bot/domain.ts";
import { type Config, findService, hasRole, parseConfig, readEnvironment } from "../../src/config.ts";
import { StewardError } from "../../src/errors.ts";
import { type Journal, openJournal } from "../../src/journal/database.ts";
import { acknowledge, resolve } from "../../src/journal/incidents.ts";
import { redrawMessages, say, wantMessage } from "../../src/journal/messages.ts";
import { createRun, lockRun, moveRun, recordApproval } from "../../src/journal/runs.ts";
import { silentLog } from "../../src/log.ts";
import { createRedact } from "../../src/redact.ts";
import { type SlackStandIn, type SlackStandInOptions, startSlack } from "../../src/sandbox/slack/server.ts";
import type { Message } from "../../src/sandbox/slack/types.ts";
import { testDatabase } from "../servers/postgres.ts";
import { plan } from "./samples.ts";

export const OPS = "C0OPS";
export const OLGA = "U0OLGA";
export const AMIR = "U0AMIR";
export const GUS = "U0GUS";

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

export function atEnd(end: () => unknown): void {
  ends.push(end);
}

export interface World {
  slack: SlackStandIn;
  url: string;
  journal: Journal;
  config: Config;
  domain: Domain;
}

export const config: Config = parseConfig(
  {
    slack: { channel: "ops", incidents: "#incidents" },
    roles: { operator: { users: [OLGA] }, approver: { groups: ["S0APPROVERS"] } },
    services: { shop: {}, billing: { environments: { staging: {}, production: {} } } },
  },
  readEnvironment({ STEWARD_CONFIG: "/nowhere/steward.yml" }),
  { checks: {}, tasks: ["health"] },
);

export async function world(options: Partial<SlackStandInOptions> = {}): Promise<World> {
  const database = await testDatabase("bot");
  ends.push(() => database.drop());
  const slack = await startSlack({ port: 0, ...options });
  ends.push(() => slack.stop());
  return { slack, url: database.url, journal: await journalAt(database.url), config, domain: testDomain() };
}

export async function journalAt(url: string): Promise<Journal> {
  const journal = await openJournal(url, () => {});
  ends.push(() => journal.close());
  return journal;
}

export async function bot(world: World, more: Partial<BotOptions> = {}): Promise<{ stop(): Promise<void> }> {
  const { slack, journal, config, domain } = world;
  const started = await startBot({
    slack: { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl },
    journal,
    config,
    domain,
    log: silentLog,
    redact: createRedact([]),
    ...more,
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= started.stop();
    return stopping;
  };
  ends.push(stop);
  return { stop };
}

/** Waits for a message that shows `text` to `asUser`. */
export async function shows(
  slack: SlackStandIn,
  text: string,
  asUser = OLGA,
  channel = OPS,
): Promise<Message> {
  return await slack.until(`a message with: ${text}`, () =>
    slack.messages(channel, asUser).find((message) => everything(message).includes(text)),
  );
}

export function everything(message: Message): string {
  return `${message.text}\n${JSON.stringify(message.blocks ?? [])}`;
}

/** Runs are planned at once, with the sample plan; approvals follow the two rules that matter here. */
export function testDomain(): Domain {
  return {
    findService: (typed) => findService(config, typed),
    hasRole: (actor, role) => hasRole(config.roles, actor, role),
    knownRunbooks: () => [
      {
        name: "update",
        help: "updates a service",
        args: [{ name: "version", required: true, help: "a released version" }],
      },
      { name: "restart", help: "restarts a service", args: [] },
    ],
    nextTicks: () => [{ task: "health", at: new Date("2030-01-01T08:00:00Z") }],
    async requestReport(tx, { service, channel, requestedBy }) {
      const data = {
        at: new Date().toISOString(),
        service,
        scheduled: false,
        requestedBy,
        services: [],
        openIncidents: [],
        wouldHavePaged: [],
      };
      await say(tx, "health", data, { channel });
    },
    async requestRun(tx, request) {
      const { version = "1" } = request.args;
      if (!/^[\w.+-]+$/.test(version))
        throw new StewardError("bad_argument", `'${version}' cannot be used; allowed: a version`);
      const id = await createRun(tx, { ...request, requestedBy: request.actor });
      await moveRun(tx, id, ["planning"], request.showOnly ? "shown" : "awaiting_approval", {
        plan: plan(request.args.version),
        planHash: "ab".repeat(32),
      });
      await wantMessage(tx, { subjectKind: "run", subjectId: id, channel: request.channel, urgent: true });
      return id;
    },
    async decideApproval(tx, { runId, planHash, actor, decision, reason }) {
      const run = (await lockRun(tx, runId))!;
      if (!hasRole(config.roles, actor, "approver"))
        throw new StewardError("not_allowed", "You are not an approver");
      if (run.planHash !== planHash) throw new StewardError("plan_changed", "The plan has changed");
      await recordApproval(tx, { runId, planHash, actor, decision, reason });
      const moved = await moveRun(
        tx,
        runId,
        ["awaiting_approval"],
        decision === "approve" ? "queued" : "rejected",
        decision === "approve" ? {} : { ended: true },
      );
      if (!moved)
        throw new StewardError("not_awaiting_approval", `Run ${runId} is not waiting for an approval`);
      await redrawMessages(tx, "run", runId);
      return moved;
    },
    async breakGlass(tx, { runId, actor, reason }) {
      const glass = { actor, reason, at: new Date().toISOString(), planHash: "ab".repeat(32) };
      const moved = (await moveRun(tx, runId, ["awaiting_approval"], "queued", { breakGlass: glass }))!;
      await redrawMessages(tx, "run", runId);
      return moved;
    },
    async reviewRun(tx, { runId, actor }) {
      const reviewed = { actor, at: new Date().toISOString() };
      const moved = (await moveRun(tx, runId, ["queued"], "queued", { reviewed }))!;
      await redrawMessages(tx, "run", runId);
      return moved;
    },
    async chooseAlternative(tx, { runId, index }) {
      const chosen = (await lockRun(tx, runId))!.plan!.alternatives![index]!;
      const moved = (await moveRun(tx, runId, ["awaiting_approval"], "awaiting_approval", {
        args: chosen.args,
      }))!;
      await redrawMessages(tx, "run", runId);
      return moved;
    },
    async decideStuck(tx, { runId }) {
      return (await moveRun(tx, runId, ["needs_decision"], "running", { decision: null }))!;
    },
    async cancelRun(tx, { runId }) {
      const moved = (await moveRun(tx, runId, ["awaiting_approval", "queued"], "cancelled", {
        ended: true,
      }))!;
      await redrawMessages(tx, "run", runId);
      return moved;
    },
    async acknowledgeIncident(tx, { id, actor }) {
      const incident = (await acknowledge(tx, id, actor))!;
      await redrawMessages(tx, "incident", id);
      return incident;
    },
    async resolveIncident(tx, { id, actor, reason }) {
      const incident = (await resolve(tx, id, actor, reason))!;
      await redrawMessages(tx, "incident", id);
      return incident;
    },
    recommendedRunbook: async () => ({ runbook: "restart", args: {} }),
  };
}
