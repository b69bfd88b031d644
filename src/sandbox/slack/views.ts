/** The modals that people have open: a stack each, three deep at most. */
import { randomBytes } from "node:crypto";
import type { ViewDefinition } from "./blocks/check.ts";
import { startingValues, type Values } from "./choices.ts";
import { app, team } from "./people.ts";
import { SlackRefusal } from "./refusal.ts";
import type { View } from "./types.ts";
import type { World } from "./world.ts";

const STACK_LIMIT = 3;

/** A modal with what the page need not see. */
export interface OpenView extends View {
  definition: ViewDefinition;
  values: Values;
  rootId: string;
  previousId: string | null;
}

export class Views {
  #world: World;
  #stacks = new Map<string, OpenView[]>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The person's stack, top last. */
  stack(user: string): OpenView[] {
    return this.#stacks.get(user) ?? [];
  }

  /** Opens a modal in place of whatever was open. */
  open(user: string, definition: ViewDefinition): OpenView {
    const opened = this.#make(user, definition, undefined);
    this.#stacks.set(user, [opened]);
    this.#tell(user);
    return opened;
  }

  /** Puts a modal on top; refuses with `push_limit_reached` and, where nothing is open, `not_found`. */
  push(user: string, definition: ViewDefinition): OpenView {
    const stack = this.stack(user);
    const below = stack.at(-1);
    if (!below) throw new SlackRefusal("not_found");
    if (stack.length >= STACK_LIMIT) throw new SlackRefusal("push_limit_reached");
    const pushed = this.#make(user, definition, below);
    this.#stacks.set(user, [...stack, pushed]);
    this.#tell(user);
    return pushed;
  }

  /** Replaces what a modal shows; refuses with `not_found`, and `hash_conflict` when `hash` is of an older state. */
  update(
    reference: { viewId?: string; externalId?: string },
    definition: ViewDefinition,
    hash?: string,
  ): OpenView {
    const current = this.#find(reference);
    if (hash !== undefined && hash !== current.hash) throw new SlackRefusal("hash_conflict");
    Object.assign(current, faceOf(definition), {
      definition,
      hash: newHash(),
      values: startingValues(definition.blocks, current.values),
      errors: undefined,
    });
    this.#tell(current.user);
    return current;
  }

  /** The person's modal of that id; refuses with `view_not_found`. */
  ofUser(user: string, viewId: string): OpenView {
    const view = this.stack(user).find((candidate) => candidate.id === viewId);
    if (!view) throw new SlackRefusal("view_not_found");
    return view;
  }

  setErrors(view: OpenView, errors: Record<string, string> | undefined): void {
    if (!errors && !view.errors) return;
    view.errors = errors;
    this.#tell(view.user);
  }

  close(view: OpenView): void {
    this.#keep(
      view.user,
      this.stack(view.user).filter((other) => other.id !== view.id),
    );
  }

  closeAll(user: string): void {
    this.#keep(user, []);
  }

  #keep(user: string, stack: OpenView[]): void {
    if (stack.length > 0) this.#stacks.set(user, stack);
    else this.#stacks.delete(user);
    this.#tell(user);
  }

  #find({ viewId, externalId }: { viewId?: string; externalId?: string }): OpenView {
    for (const stack of this.#stacks.values()) {
      for (const view of stack) {
        if (viewId ? view.id === viewId : externalId && view.definition.external_id === externalId)
          return view;
      }
    }
    throw new SlackRefusal("not_found");
  }

  #make(user: string, definition: ViewDefinition, below: OpenView | undefined): OpenView {
    const externalId = definition.external_id;
    const taken = [...this.#stacks.values()].flat();
    if (externalId && taken.some((view) => view.definition.external_id === externalId))
      throw new SlackRefusal("duplicate_external_id");
    const id = `V${randomBytes(6).toString("hex").toUpperCase()}`;
    return {
      id,
      user,
      hash: newHash(),
      ...faceOf(definition),
      definition,
      values: startingValues(definition.blocks),
      rootId: below?.rootId ?? id,
      previousId: below?.id ?? null,
    };
  }

  #tell(user: string): void {
    const top = this.stack(user).at(-1);
    this.#world.tell({ type: "view", user, view: top ? publicView(top) : null });
  }
}

/** A modal as the page and tests see it. */
export function publicView(view: OpenView): View {
  const { definition: _definition, values: _values, rootId: _root, previousId: _previous, ...face } = view;
  return face;
}

/** A modal as Slack's payloads and answers carry it. */
export function viewPayload(view: OpenView): Record<string, unknown> {
  const { definition } = view;
  return {
    id: view.id,
    team_id: team.id,
    type: "modal",
    blocks: view.blocks,
    private_metadata: view.privateMetadata,
    callback_id: view.callbackId,
    state: { values: view.values },
    hash: view.hash,
    title: definition.title,
    submit: definition.submit ?? null,
    close: definition.close ?? null,
    clear_on_close: definition.clear_on_close ?? false,
    notify_on_close: definition.notify_on_close ?? false,
    previous_view_id: view.previousId,
    root_view_id: view.rootId,
    external_id: definition.external_id ?? "",
    app_id: app.id,
    app_installed_team_id: team.id,
    bot_id: app.botId,
  };
}

function faceOf(definition: ViewDefinition): Omit<View, "id" | "user" | "hash"> {
  return {
    callbackId: definition.callback_id ?? "",
    title: definition.title.text,
    submit: definition.submit?.text,
    close: definition.close?.text,
    blocks: definition.blocks,
    privateMetadata: definition.private_metadata ?? "",
  };
}

function newHash(): string {
  return `${Math.floor(Date.now() / 1000)}.${randomBytes(4).toString("hex")}`;
}
