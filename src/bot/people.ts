import { WebAPIPlatformError, type WebClient } from "@slack/web-api";
import type { Config } from "../config.ts";
import { StewardError } from "../errors.ts";
import type { Actor } from "../journal/types.ts";
import type { Log } from "../log.ts";

/** A person as Slack knows them now. */
export interface KnownPerson {
  actor: Actor;
  /** not of our workspace: may not even look */
  external: boolean;
}

export interface People {
  /**
   * Looks a person up. `fresh` for whatever acts: a deactivation or a role taken away must count at once. Throws
   * `slack_unreachable` where Slack does not say who it is and that matters.
   */
  resolve(actor: Actor, fresh: boolean): Promise<KnownPerson>;
}

interface Standing {
  guest: boolean;
  external: boolean;
}

const KEEP_MS = 60_000;
/** Slack lets a group be read twenty times a minute */
const KEEP_FRESH_MS = 5_000;
const MOST_PEOPLE = 10_000;

export function createPeople(
  client: WebClient,
  config: Config,
  team: string,
  log: Log,
  now: () => number = Date.now,
): People {
  const standings = new Map<string, { at: number; standing: Standing }>();
  const groups = new Map<string, { at: number; users: Set<string> }>();
  const named = [...new Set(Object.values(config.roles).flatMap((role) => role?.groups ?? []))];

  const standingOf = async (id: string, fresh: boolean): Promise<Standing> => {
    const kept = standings.get(id);
    if (!fresh && kept && now() - kept.at < KEEP_MS) return kept.standing;
    const standing = await askStanding(client, id, team);
    if (standings.size >= MOST_PEOPLE) standings.clear();
    standings.set(id, { at: now(), standing });
    return standing;
  };

  const membersOf = async (group: string, fresh: boolean): Promise<Set<string>> => {
    const kept = groups.get(group);
    if (kept && now() - kept.at < (fresh ? KEEP_FRESH_MS : KEEP_MS)) return kept.users;
    try {
      const answer = await client.usergroups.users.list({ usergroup: group });
      const users = new Set(answer.users ?? []);
      groups.set(group, { at: now(), users });
      return users;
    } catch (error) {
      // nobody gets a role from a group that Slack does not confirm
      log.warn({ group, reason: (error as Error).message }, "a user group could not be read");
      return new Set();
    }
  };

  return {
    async resolve(actor, fresh) {
      if (actor.team !== team) return { actor: { ...actor, guest: true }, external: true };
      const standing = await standingOf(actor.id, fresh);
      if (standing.guest) return { actor: { ...actor, guest: true }, external: standing.external };
      const memberships = await Promise.all(
        named.map(async (group) => ((await membersOf(group, fresh)).has(actor.id) ? group : null)),
      );
      return {
        actor: { ...actor, guest: false, groups: memberships.filter((group) => group !== null) },
        external: false,
      };
    },
  };
}

async function askStanding(client: WebClient, id: string, team: string): Promise<Standing> {
  try {
    const { user } = await client.users.info({ user: id });
    const external =
      !user || user.is_stranger === true || (user.team_id !== undefined && user.team_id !== team);
    const guest =
      external || Boolean(user.deleted || user.is_bot || user.is_restricted || user.is_ultra_restricted);
    return { guest, external };
  } catch (error) {
    const code = error instanceof WebAPIPlatformError ? error.data.error : "";
    if (code === "user_not_found" || code === "user_not_visible") return { guest: true, external: true };
    throw new StewardError("slack_unreachable", "Slack did not say who you are, so nothing was done", {
      hint: "Try again in a moment.",
      cause: error,
    });
  }
}
