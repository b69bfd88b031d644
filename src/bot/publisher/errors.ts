import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from "@slack/web-api";

/**
 * What a failed call means. `unknown`: it may have been carried out all the same. `refused`: Slack will not
 * take these blocks. `gone`: the message to be edited is not there. `ours`: a token or Slack is at fault, so
 * it is tried later. `final`: it will never work.
 */
export type Failure =
  | { kind: "limited"; waitMs: number; code: string }
  | { kind: "unknown" | "refused" | "gone" | "ours" | "outside" | "final"; code: string };

const REFUSED = [
  "invalid_blocks",
  "invalid_blocks_format",
  "msg_blocks_too_long",
  "msg_too_long",
  "invalid_attachments",
  "no_text",
];
const GONE = ["message_not_found", "cant_update_message", "edit_window_closed"];
const UNKNOWN = ["internal_error", "fatal_error", "request_timeout", "service_unavailable"];
const OURS = [
  "invalid_auth",
  "not_authed",
  "account_inactive",
  "token_revoked",
  "token_expired",
  "missing_scope",
  "ekm_access_denied",
  "team_added_to_org",
  "org_login_required",
  "access_denied",
];
const OUTSIDE = ["not_in_channel"];

export function failureOf(error: unknown): Failure {
  if (error instanceof WebAPIRateLimitedError)
    return { kind: "limited", waitMs: error.retryAfter * 1_000, code: "ratelimited" };
  if (error instanceof WebAPIPlatformError) return platformFailure(error.data.error);
  if (error instanceof WebAPIHTTPError && error.statusCode < 500)
    return { kind: "ours", code: `http_${error.statusCode}` };
  return {
    kind: "unknown",
    code: error instanceof WebAPIHTTPError ? `http_${error.statusCode}` : "no_answer",
  };
}

function platformFailure(code: string): Failure {
  if (code === "ratelimited" || code === "rate_limited") return { kind: "limited", waitMs: 30_000, code };
  if (REFUSED.includes(code)) return { kind: "refused", code };
  if (GONE.includes(code)) return { kind: "gone", code };
  if (UNKNOWN.includes(code)) return { kind: "unknown", code };
  if (OURS.includes(code)) return { kind: "ours", code };
  if (OUTSIDE.includes(code)) return { kind: "outside", code };
  return { kind: "final", code };
}
