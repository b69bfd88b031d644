import { takeView } from "../blocks/check.ts";
import { viewPayload } from "../views.ts";
import { type Method, optional, required } from "./method.ts";

export const viewMethods: Method[] = [
  {
    name: "views.open",
    token: "bot",
    run(args, { views, triggers }) {
      const trigger = required(args, "trigger_id");
      // a view that is refused does not use up its trigger
      const definition = takeView(args.view);
      return { view: viewPayload(views.open(triggers.exchange(trigger), definition)) };
    },
  },
  {
    name: "views.push",
    token: "bot",
    run(args, { views, triggers }) {
      const trigger = required(args, "trigger_id");
      const definition = takeView(args.view);
      return { view: viewPayload(views.push(triggers.exchange(trigger), definition)) };
    },
  },
  {
    name: "views.update",
    token: "bot",
    run(args, { views }) {
      const viewId = optional(args, "view_id");
      const externalId = optional(args, "external_id");
      const reference = { ...(viewId ? { viewId } : {}), ...(externalId ? { externalId } : {}) };
      return { view: viewPayload(views.update(reference, takeView(args.view), optional(args, "hash"))) };
    },
  },
];
