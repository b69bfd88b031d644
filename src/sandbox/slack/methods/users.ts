import { userPayload } from "../payloads.ts";
import { team } from "../people.ts";
import { SlackRefusal } from "../refusal.ts";
import { flag, type Method, page, required } from "./method.ts";

export const userMethods: Method[] = [
  {
    name: "users.info",
    token: "bot",
    scope: "users:read",
    run: (args, { world }) => ({ user: userPayload(world.person(required(args, "user"))) }),
  },
  {
    name: "users.list",
    token: "bot",
    scope: "users:read",
    run(args, { world }) {
      const { items, nextCursor } = page([...world.people.values()], args, 200);
      return { members: items.map(userPayload), response_metadata: { next_cursor: nextCursor } };
    },
  },
  {
    name: "usergroups.list",
    token: "bot",
    scope: "usergroups:read",
    run: (args, { world }) => ({
      usergroups: world.userGroups.map((group) => ({
        id: group.id,
        team_id: team.id,
        is_usergroup: true,
        is_external: false,
        handle: group.handle,
        name: group.name,
        description: "",
        date_delete: 0,
        user_count: group.users.length,
        ...(flag(args, "include_users") ? { users: group.users } : {}),
      })),
    }),
  },
  {
    name: "usergroups.users.list",
    token: "bot",
    scope: "usergroups:read",
    run(args, { world }) {
      const id = required(args, "usergroup");
      const group = world.userGroups.find((candidate) => candidate.id === id);
      if (!group) throw new SlackRefusal("no_such_subteam");
      return { users: group.users };
    },
  },
];
