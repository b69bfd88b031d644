import { type NewIntent, recordIntent } from "../../journal/intents.ts";
import type { Json } from "../../journal/types.ts";
import type { Redact } from "../../redact.ts";
import type { BotContext } from "../context.ts";
import { NotWritten } from "./guard.ts";

/** Slack waits 3 s for an acknowledgement. */
const WITHIN_MS = 2_500;

type RecordContext = Pick<BotContext, "journal" | "redact">;

/** What people type themselves: a secret in it is hidden before it is written anywhere. */
const TYPED = ["text", "reason"];

/** The one durable write before an acknowledgement. Throws NotWritten with the words for the person. */
export async function record(context: RecordContext, intent: NewIntent): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new NotWritten(
            "journal unreachable: it did not answer in time. Look at `/ops runs` before you ask again.",
          ),
        ),
      WITHIN_MS,
    );
  });
  try {
    await Promise.race([write(context, intent), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function write({ journal, redact }: RecordContext, intent: NewIntent): Promise<void> {
  try {
    await recordIntent(journal, { ...intent, payload: storable(intent.payload, redact) });
    // the acknowledgement goes first
    setImmediate(() => journal.wake.emit("intents"));
  } catch (error) {
    throw new NotWritten(
      "journal unreachable: Steward's database did not take your request, so nothing was done. Try again in a moment.",
      { cause: error },
    );
  }
}

/** JSON in Postgres holds neither NUL nor half a surrogate pair. */
function storable(payload: { [key: string]: Json }, redact: Redact): { [key: string]: Json } {
  const entries = Object.entries(payload).map(([name, value]) => [
    name,
    typeof value === "string" ? shown(name, value.replaceAll("\u0000", "").toWellFormed(), redact) : value,
  ]);
  return Object.fromEntries(entries);
}

function shown(name: string, value: string, redact: Redact): string {
  return TYPED.includes(name) ? redact(value) : value;
}
