/** What the parts of the stand-in share: one of each, put together by server.ts. */
import type { Files } from "./files.ts";
import type { ResponseUrls } from "./response-urls.ts";
import type { Sockets } from "./sockets.ts";
import type { Triggers } from "./triggers.ts";
import type { Views } from "./views.ts";
import type { World } from "./world.ts";

export interface House {
  world: World;
  views: Views;
  files: Files;
  sockets: Sockets;
  triggers: Triggers;
  responseUrls: ResponseUrls;
  /** slash commands of the installed app, such as "/ops" */
  commands: readonly string[];
  scopes: readonly string[];
  /** http://localhost:PORT, known once the server listens */
  url: string;
}
