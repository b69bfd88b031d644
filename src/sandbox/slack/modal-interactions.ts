/** What people do in modals: submit, click inside, close; and what an app's ack of a submission does. */
import { takeView } from "./blocks/check.ts";
import { localProblems, type SimpleValues, withInput } from "./choices.ts";
import type { House } from "./house.ts";
import { actionPayload, type ClickOptions, common, findElement } from "./interactions.ts";
import { SlackRefusal } from "./refusal.ts";
import type { InteractionResult } from "./types.ts";
import { type OpenView, viewPayload } from "./views.ts";

/**
 * Submits a modal. What Slack's client would not even send fails as `view_errors`; what the app refuses was
 * sent and answered, so it is ok. Both give the messages by block, and leave the modal open with them.
 */
export async function submitModal(
  house: House,
  user: string,
  viewId: string,
  values: SimpleValues,
): Promise<InteractionResult> {
  const person = house.world.person(user);
  const view = topView(house, user, viewId);
  if (!view.submit) throw new SlackRefusal("no_such_action");
  view.values = withInput(view.blocks, view.values, values);
  const problems = localProblems(view.blocks, view.values);
  if (Object.keys(problems).length > 0) {
    house.views.setErrors(view, problems);
    return { ok: false, error: "view_errors", errors: problems };
  }
  house.views.setErrors(view, undefined);
  const delivery = await house.sockets.dispatch(
    "interactive",
    { ...common("view_submission", person, house), view: viewPayload(view), response_urls: [] },
    true,
  );
  if (!delivery.ok) return delivery;
  const { ackMs } = delivery;
  // the person, or the app, may have closed it in the meantime
  if (!house.views.stack(user).includes(view)) return { ok: true, ackMs };
  try {
    return { ...follow(house, view, delivery.payload), ackMs };
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
    return { ok: false, error: "invalid_submission_response", ackMs };
  }
}

/** A click on, or a choice in, an element of a modal; `values` are what the other fields hold by now. */
export async function clickModal(
  house: House,
  user: string,
  viewId: string,
  actionId: string,
  options: ClickOptions & { values?: SimpleValues } = {},
): Promise<InteractionResult> {
  const person = house.world.person(user);
  const view = topView(house, user, viewId);
  const target = findElement(view.blocks, actionId, options);
  if (!target && !options.forge) throw new SlackRefusal("no_such_action");
  const action = actionPayload(target, actionId, options, house.world.nextTs());
  view.values = withInput(view.blocks, view.values, options.values ?? {});
  if (target && view.values[target.blockId]?.[actionId]) {
    const input = { [target.blockId]: { [actionId]: options.selected ?? options.value } };
    view.values = withInput(view.blocks, view.values, input);
  }
  const delivery = await house.sockets.dispatch(
    "interactive",
    {
      ...common("block_actions", person, house),
      container: { type: "view", view_id: view.id },
      view: viewPayload(view),
      actions: [action],
    },
    false,
  );
  return delivery.ok ? { ok: true, ackMs: delivery.ackMs } : delivery;
}

/** Closes a modal; the app hears of it where it asked to (`notify_on_close`). */
export async function closeModal(house: House, user: string, viewId: string): Promise<InteractionResult> {
  const person = house.world.person(user);
  const view = topView(house, user, viewId);
  const clearsAll = view.definition.clear_on_close ?? false;
  if (clearsAll) house.views.closeAll(user);
  else house.views.close(view);
  if (!view.definition.notify_on_close) return { ok: true };
  const { trigger_id: _none, ...payload } = common("view_closed", person, house);
  const delivery = await house.sockets.dispatch(
    "interactive",
    { ...payload, view: viewPayload(view), is_cleared: clearsAll },
    false,
  );
  return delivery.ok ? { ok: true, ackMs: delivery.ackMs } : delivery;
}

/** Only the modal on top can be used. */
function topView(house: House, user: string, viewId: string): OpenView {
  const view = house.views.ofUser(user, viewId);
  if (house.views.stack(user).at(-1) !== view) throw new SlackRefusal("view_not_found");
  return view;
}

function follow(house: House, view: OpenView, ack: Record<string, unknown>): InteractionResult {
  switch (ack.response_action) {
    case undefined:
      house.views.close(view);
      return { ok: true };
    case "clear":
      house.views.closeAll(view.user);
      return { ok: true };
    case "update":
      house.views.update({ viewId: view.id }, takeView(ack.view));
      return { ok: true };
    case "push":
      house.views.push(view.user, takeView(ack.view));
      return { ok: true };
    case "errors":
      return refuseFields(house, view, ack.errors);
    default:
      throw new SlackRefusal("invalid_arguments");
  }
}

/** Messages may stand only under input blocks that the modal has. */
function refuseFields(house: House, view: OpenView, errors: unknown): InteractionResult {
  const inputs = view.blocks.filter((block) => block.type === "input").map((block) => block.block_id);
  const entries = Object.entries((errors ?? {}) as Record<string, unknown>);
  const right = entries.every(([blockId, text]) => inputs.includes(blockId) && typeof text === "string");
  if (entries.length === 0 || !right) throw new SlackRefusal("invalid_arguments");
  const messages = Object.fromEntries(entries) as Record<string, string>;
  house.views.setErrors(view, messages);
  return { ok: true, errors: messages };
}
