import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { type ChannelProbe, probeSlack, type SlackProbe } from "../../bot/probe.ts";
import type { Config, Environment } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import { type Finding, ok, problem, problemOf } from "./finding.ts";

const MANIFEST = new URL("../../../manifest.yml", import.meta.url);

/** Tokens, scopes, and the channels that the config names. */
export async function examineSlack({ slack }: Environment, config: Config | undefined): Promise<Finding[]> {
  const probed = await probeSlack(slack, config ? channelsOf(config) : []);
  return [...examineTokens(probed, await neededScopes()), ...examineChannels(probed.channels)];
}

function examineTokens({ bot, app }: SlackProbe, needed: string[]): Finding[] {
  const findings: Finding[] = [];
  if (bot instanceof StewardError) findings.push(problemOf("Slack bot token", bot));
  else {
    findings.push(ok("Slack bot token", `accepted: bot ${bot.user} in workspace ${bot.team}`));
    const missing = needed.filter((scope) => !bot.scopes.includes(scope));
    findings.push(
      missing.length === 0
        ? ok("Slack scopes", `all ${needed.length} of manifest.yml granted`)
        : problem(
            "Slack scopes",
            `missing: ${missing.join(", ")}`,
            "Update the app's manifest from manifest.yml, then reinstall it to the workspace.",
          ),
    );
  }
  findings.push(
    app ? problemOf("Slack app token", app) : ok("Slack app token", "accepted: Socket Mode is open to it"),
  );
  return findings;
}

function examineChannels(channels: SlackProbe["channels"]): Finding[] {
  if (channels instanceof StewardError) return [problemOf("Slack channels", channels)];
  return channels.map(({ named, state }) =>
    examineChannel(/^[CGD][A-Z0-9]{4,}$/.test(named) ? named : `#${named.replace(/^#/, "")}`, state),
  );
}

function examineChannel(channel: string, state: ChannelProbe["state"]): Finding {
  const check = `Channel ${channel}`;
  switch (state) {
    case "member":
      return ok(check, "the bot is in it");
    case "open":
      return ok(check, "public; the bot will join it at start");
    case "missing":
      return problem(
        check,
        "not there, or private and the bot is not in it",
        `Create it, or /invite @steward there; a private channel is named by its id.`,
      );
    case "shared":
      return problem(
        check,
        "shared with another company",
        "Name a channel that belongs to this workspace alone.",
      );
  }
}

function channelsOf({ slack, services, schedules }: Config): string[] {
  const named = [
    slack.channel,
    slack.incidents,
    ...services.flatMap((service) => [service.channel, service.incidents]),
    ...Object.values(schedules).map((schedule) => schedule?.channel),
  ];
  return [...new Set(named.filter((name) => name !== undefined))];
}

async function neededScopes(): Promise<string[]> {
  const manifest = parse(await readFile(MANIFEST, "utf8")) as { oauth_config: { scopes: { bot: string[] } } };
  return manifest.oauth_config.scopes.bot;
}
