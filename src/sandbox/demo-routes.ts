/** What the sandbox's page asks about the demo service. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Demo, FAULTS, type Fault } from "./demo/demo.ts";
import { readJson, sendJson } from "./slack/http.ts";

const BODY_LIMIT_BYTES = 1000;

/** `GET /demo/status` and `POST /demo/fault {mode}`; both answer the status. 503 until there is a demo. */
export function demoRoutes(
  current: () => Demo | undefined,
): (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean> {
  return async (request, response, url) => {
    const route = `${request.method} ${url.pathname}`;
    if (route !== "GET /demo/status" && route !== "POST /demo/fault") return false;
    const demo = current();
    if (!demo) {
      sendJson(response, 503, { ok: false, error: "starting", message: "The demo service is being set up." });
    } else if (route === "GET /demo/status") {
      sendJson(response, 200, await demo.status());
    } else {
      const { mode } = await readJson(request, BODY_LIMIT_BYTES);
      if (isFault(mode)) sendJson(response, 200, await demo.setFault(mode));
      else
        sendJson(response, 400, {
          ok: false,
          error: "bad_mode",
          message: `mode has to be one of: ${FAULTS.join(", ")}`,
        });
    }
    return true;
  };
}

function isFault(mode: unknown): mode is Fault {
  return FAULTS.some((fault) => fault === mode);
}
