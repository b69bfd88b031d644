/** Trigger ids: proof that a person has just done something. Three seconds, one use. */
import { randomBytes } from "node:crypto";
import { SlackRefusal } from "./refusal.ts";

const LIFE_MS = 3_000;
/** Spent ones are remembered, so that their second use is told apart from an invented id. */
const REMEMBERED = 10_000;

interface Trigger {
  user: string;
  issuedAt: number;
  used: boolean;
}

export class Triggers {
  #now: () => number;
  #triggers = new Map<string, Trigger>();

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(user: string): string {
    const id = `${Math.floor(this.#now())}.${randomBytes(5).readUIntBE(0, 5)}.${randomBytes(16).toString("hex")}`;
    this.#triggers.set(id, { user, issuedAt: this.#now(), used: false });
    if (this.#triggers.size > REMEMBERED) this.#triggers.delete(this.#triggers.keys().next().value!);
    return id;
  }

  /** Uses it up and says whose it was. Refuses: invalid_trigger_id, exchanged_trigger_id, expired_trigger_id. */
  exchange(id: string): string {
    const trigger = this.#triggers.get(id);
    if (!trigger) throw new SlackRefusal("invalid_trigger_id");
    if (trigger.used) throw new SlackRefusal("exchanged_trigger_id");
    if (this.#now() - trigger.issuedAt > LIFE_MS) throw new SlackRefusal("expired_trigger_id");
    trigger.used = true;
    return trigger.user;
  }
}
