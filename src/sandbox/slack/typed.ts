/** What a person types, as Slack hands it on: escaped, with names turned into ids. */
import type { Person } from "./types.ts";
import { handleOf, type World } from "./world.ts";

const NAME = /([@#])([a-z0-9][a-z0-9._-]*)/gi;

/** The text of a message: `@Amir` becomes `<@U0AMIR>`, `#ops` `<#C0OPS|ops>`, `@approvers` a subteam. */
export function typedMessage(world: World, text: string): string {
  return withNames(world, text, (person) => `<@${person.id}>`);
}

/** The text of a slash command of an app with `should_escape`: ids come with the name beside them. */
export function typedCommand(world: World, text: string): string {
  return withNames(world, text, (person) => `<@${person.id}|${handleOf(person)}>`);
}

function withNames(world: World, text: string, mention: (person: Person) => string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replace(NAME, (typed, sign: string, name: string, at: number) => {
    // an e-mail address or a service@environment is no mention
    if (at > 0 && !/[\s(,;:]/.test(escaped[at - 1] ?? "")) return typed;
    return (sign === "@" ? mentionOf(world, name, mention) : channelLink(world, name)) ?? typed;
  });
}

function mentionOf(world: World, name: string, mention: (person: Person) => string): string | undefined {
  const lower = name.toLowerCase();
  if (["here", "channel", "everyone"].includes(lower)) return `<!${lower}>`;
  for (const person of world.people.values()) if (handleOf(person) === lower) return mention(person);
  const group = world.userGroups.find((candidate) => candidate.handle === lower);
  return group && `<!subteam^${group.id}|@${group.handle}>`;
}

function channelLink(world: World, name: string): string | undefined {
  for (const channel of world.channels.values())
    if (channel.name === name.toLowerCase()) return `<#${channel.id}|${channel.name}>`;
  return undefined;
}
