import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "../..");

/** The scope that each method wants; null: none. An optional scope is one that manifest.yml only names. */
const SCOPES: Record<string, string | null> = {
  "auth.test": null,
  "views.open": null,
  "chat.postMessage": "chat:write",
  "chat.postEphemeral": "chat:write",
  "chat.update": "chat:write",
  filesUploadV2: "files:write",
  "users.info": "users:read",
  "usergroups.users.list": "usergroups:read",
  "conversations.list": "channels:read",
  "conversations.info": "channels:read",
  "conversations.join": "channels:join",
  "conversations.history": "optional channels:history",
  "conversations.replies": "optional channels:history",
};

/** Slack's manifest, as far as it is used here: what is not known is refused, as Slack refuses it. */
const manifestSchema = z.strictObject({
  _metadata: z.strictObject({ major_version: z.literal(2) }),
  display_information: z.strictObject({
    name: z.string().max(35),
    description: z.string().max(140),
    background_color: z.string().regex(/^#[0-9a-f]{6}$/),
  }),
  features: z.strictObject({
    bot_user: z.strictObject({
      display_name: z.string().regex(/^[a-z0-9._-]{1,80}$/),
      always_online: z.boolean(),
    }),
    slash_commands: z
      .array(
        z.strictObject({
          command: z.string().regex(/^\/[a-z]{1,31}$/),
          description: z.string().max(2_000),
          usage_hint: z.string().max(1_000),
          should_escape: z.literal(true),
        }),
      )
      .max(50),
  }),
  oauth_config: z.strictObject({ scopes: z.strictObject({ bot: z.array(z.string()).max(255) }) }),
  settings: z.strictObject({
    interactivity: z.strictObject({ is_enabled: z.literal(true) }),
    socket_mode_enabled: z.literal(true),
    org_deploy_enabled: z.boolean(),
    token_rotation_enabled: z.literal(false),
    is_hosted: z.literal(false),
  }),
});

const text = readFileSync(join(ROOT, "manifest.yml"), "utf8");
const manifest = manifestSchema.parse(parse(text));

it("is a manifest for Socket Mode with /ops, whose text comes escaped", () => {
  expect(manifest.features.slash_commands.map(({ command }) => command)).toEqual(["/ops"]);
});

it("asks for the scopes of the methods that the bot calls, and for no other", () => {
  const sources = readdirSync(join(ROOT, "src/bot"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  const called = new Set(
    sources.flatMap((file) => {
      const source = readFileSync(join(ROOT, "src/bot", file), "utf8");
      const calls = source.matchAll(
        /\b(?:client|interactive|publishing|reading)\s*\.((?:auth|views|chat|users|usergroups|conversations|files|pins|reactions|bookmarks)\.[\w.]+|filesUploadV2)\(/g,
      );
      return [...calls].map((match) => match[1]!);
    }),
  );
  expect([...called].sort()).toEqual(Object.keys(SCOPES).sort());
  const wanted = Object.values(SCOPES).filter((scope): scope is string => scope !== null);
  const must = new Set(["commands", ...wanted.filter((scope) => !scope.startsWith("optional "))]);
  expect([...manifest.oauth_config.scopes.bot].sort()).toEqual([...must].sort());
  for (const scope of wanted.filter((name) => name.startsWith("optional ")))
    expect(text).toContain(`# - ${scope.slice("optional ".length)}`);
});
