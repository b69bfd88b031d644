import type { Journal } from "../../journal/database.ts";
import { type NewIntent, recordIntent } from "../../journal/intents.ts";
import type { Json } from "../../journal/types.ts";
import { NotWritten } from "./guard.ts";

/** Slack waits 3 s for an acknowledgement. */
const WITHIN_MS = 2_500;

/** The one durable write before an acknowledgement. Throws NotWritten with the words for the person. */
export async function record(journal: Journal, intent: NewIntent): Promise<void> {
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
    await Promise.race([write(journal, intent), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function write(journal: Journal, intent: NewIntent): Promise<void> {
  try {
    await recordIntent(journal, { ...intent, payload: storable(intent.payload) });
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
function storable(payload: { [key: string]: Json }): { [key: string]: Json } {
  const entries = Object.entries(payload).map(([name, value]) => [
    name,
    typeof value === "string" ? value.replaceAll("\u0000", "").toWellFormed() : value,
  ]);
  return Object.fromEntries(entries);
}
