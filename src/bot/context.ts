import type { Config } from "../config.ts";
import type { Journal } from "../journal/database.ts";
import type { Log } from "../log.ts";
import type { Redact } from "../redact.ts";
import type { Channels } from "./channels.ts";
import type { Clients } from "./clients.ts";
import type { Domain } from "./domain.ts";
import type { People } from "./people.ts";

/** What the parts of the bot share. */
export interface BotContext {
  journal: Journal;
  config: Config;
  domain: Domain;
  log: Log;
  redact: Redact;
  clients: Clients;
  people: People;
  channels: Channels;
  /** our workspace's id */
  team: string;
}
