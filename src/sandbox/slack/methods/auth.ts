import { app, team } from "../people.ts";
import type { Method } from "./method.ts";

export const authMethods: Method[] = [
  {
    name: "api.test",
    token: "none",
    run: (args) => ({ args }),
  },
  {
    name: "auth.test",
    token: "bot",
    run: (_args, house) => ({
      url: `${house.url}/`,
      team: team.name,
      user: "steward",
      team_id: team.id,
      user_id: app.userId,
      bot_id: app.botId,
      app_id: app.id,
      is_enterprise_install: false,
    }),
  },
  {
    name: "apps.connections.open",
    token: "app",
    scope: "connections:write",
    run: (_args, house) => ({
      url: `${house.url.replace(/^http/, "ws")}/link/?ticket=${house.sockets.ticket()}&app_id=${app.id}`,
    }),
  },
];
