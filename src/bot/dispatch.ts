/**
 * Takes intents from the journal and carries them out, one transaction each. Any replica may take any of
 * them; an intent whose replica died is taken by the next sweep.
 */
import type { Role } from "../config.ts";
import { type ErrorRecord, errorRecord, StewardError } from "../errors.ts";
import { type Db, isAway, transaction } from "../journal/database.ts";
import { finishIntent, intentWaits, takeIntent } from "../journal/intents.ts";
import { say } from "../journal/messages.ts";
import type { Intent, Json } from "../journal/types.ts";
import { act, refreshCard } from "./actions/index.ts";
import { findCommand } from "./commands/index.ts";
import { parseCommand, plainText } from "./commands/parse.ts";
import type { BotContext } from "./context.ts";
import type { KnownPerson } from "./people.ts";

type DispatchContext = Pick<BotContext, "journal" | "config" | "domain" | "people" | "log" | "redact">;

const SWEEP_MS = 2_000;
const AT_ONCE = 3;

export function startDispatch(context: DispatchContext): { stop(): Promise<void> } {
  const { journal, log } = context;
  const workers = new Set<Promise<void>>();
  let stopped = false;
  let again = false;

  const work = async () => {
    // the look is one statement where an empty transaction would be three
    do await dispatchNext(context);
    while (!stopped && (await intentWaits(journal)));
  };
  const wake = () => {
    if (stopped) return;
    if (workers.size >= AT_ONCE) {
      again = true;
      return;
    }
    const worker: Promise<void> = work()
      .catch((error: Error) =>
        log.warn({ reason: error.message }, "intents wait: the journal did not take one"),
      )
      .finally(() => {
        workers.delete(worker);
        if (again) {
          again = false;
          wake();
        }
      });
    workers.add(worker);
  };
  journal.wake.on("intents", wake);
  const sweep = setInterval(wake, SWEEP_MS);
  wake();
  return {
    async stop() {
      stopped = true;
      clearInterval(sweep);
      journal.wake.off("intents", wake);
      await Promise.all(workers);
    },
  };
}

/** Carries out the oldest waiting intent. False when there was none. */
export async function dispatchNext(context: DispatchContext): Promise<boolean> {
  return await transaction(context.journal, async (tx) => {
    const intent = await takeIntent(tx);
    if (!intent) return false;
    await tx.query("savepoint deed");
    try {
      await carryOut(context, tx, intent);
      await finishIntent(tx, intent.id);
    } catch (error) {
      if (isAway(error)) throw error;
      await tx.query("rollback to savepoint deed");
      const record = failureRecord(context, intent, error);
      await answerError(tx, intent, record);
      await finishIntent(tx, intent.id, record);
    }
    return true;
  });
}

async function carryOut(context: DispatchContext, tx: Db, intent: Intent): Promise<void> {
  if (intent.kind === "command") await carryOutCommand(context, tx, intent);
  else await carryOutAction(context, tx, intent);
}

async function carryOutCommand(context: DispatchContext, tx: Db, intent: Intent): Promise<void> {
  const parsed = parseCommand(text(intent, "text"));
  const { command, words } = findCommand(context.domain, parsed);
  const person = await context.people.resolve(intent.actor, command.roles !== null);
  assertOurs(person);
  if (command.roles && !command.roles.some((role) => context.domain.hasRole(person.actor, role)))
    throw notAllowed(person, command.roles, `use /ops ${command.name}`);
  await command.run(context, tx, {
    words,
    options: parsed.options,
    intentId: intent.id,
    actor: person.actor,
    channel: intent.channel ?? context.config.slack.channel,
    reply: async (kind, data) => {
      await say(tx, kind, data, privately(intent));
    },
  });
}

async function carryOutAction(context: DispatchContext, tx: Db, intent: Intent): Promise<void> {
  const person = await context.people.resolve(intent.actor, true);
  assertOurs(person);
  if (person.actor.guest) throw notAllowed(person, [], "press that");
  await act(tx, {
    context,
    action: text(intent, "action"),
    value: intent.payload.value,
    reason: text(intent, "reason").trim(),
    actor: person.actor,
    channel: intent.channel ?? context.config.slack.channel,
    intentId: intent.id,
  });
}

function assertOurs({ external }: KnownPerson): void {
  if (!external) return;
  throw new StewardError("not_ours", "Steward answers people of its own workspace only", {
    hint: "Ask somebody of that workspace.",
  });
}

function notAllowed({ actor }: KnownPerson, roles: readonly Role[], what: string): StewardError {
  if (actor.guest)
    return new StewardError("not_allowed", `Guests cannot ${what}`, {
      hint: "Guests may look: /ops status, /ops health, /ops runs, /ops incidents.",
    });
  return new StewardError("not_allowed", `You are not an ${roles.join(" or ")}, so you cannot ${what}`, {
    hint: `Roles are given in steward.yml (${roles.map((role) => `roles.${role}`).join(", ")}).`,
  });
}

/** What people meant for them are told; anything else is ours to look into. */
function failureRecord({ log }: DispatchContext, intent: Intent, error: unknown): ErrorRecord {
  const record = errorRecord(error);
  if (record.code !== "internal") return record;
  log.error({ intent: intent.id, err: error }, "an intent failed unexpectedly");
  return {
    ...record,
    hint: `It is in Steward's log as intent ${intent.id}. Please tell whoever runs Steward.`,
  };
}

async function answerError(tx: Db, intent: Intent, record: ErrorRecord): Promise<void> {
  if (intent.kind !== "command") await refreshCard(tx, text(intent, "action"), intent.payload.value);
  const asked =
    intent.kind === "command" ? { asked: `/ops ${plainText(text(intent, "text")).slice(0, 300)}` } : {};
  await say(tx, "error", { ...record, ...asked } as { [key: string]: Json }, privately(intent));
}

/** To this person alone, where they asked. */
function privately(intent: Intent) {
  return {
    channel: intent.channel ?? intent.actor.id,
    person: intent.actor.id,
    responseUrl: text(intent, "responseUrl") || null,
    urgent: true,
  };
}

function text(intent: Intent, name: string): string {
  const value = intent.payload[name];
  return typeof value === "string" ? value : "";
}
