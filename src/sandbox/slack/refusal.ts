/**
 * A refusal in Slack's own words: `code` is what stands in `error` of the answer (`channel_not_found`),
 * `messages` what Slack puts into `response_metadata.messages`, `extra` further fields of the answer.
 */
export class SlackRefusal extends Error {
  override readonly name = "SlackRefusal";
  readonly code: string;
  readonly messages: string[];
  readonly extra: Record<string, unknown>;

  constructor(code: string, messages: string[] = [], extra: Record<string, unknown> = {}) {
    super(messages.length > 0 ? `${code}: ${messages.join("; ")}` : code);
    this.code = code;
    this.messages = messages;
    this.extra = extra;
  }

  /** The body of a Web API answer. */
  answer(): Record<string, unknown> {
    const details = this.messages.map((message) => `[ERROR] ${message}`);
    return {
      ok: false,
      error: this.code,
      ...(this.messages.length > 0 ? { errors: this.messages } : {}),
      ...this.extra,
      ...(details.length > 0 ? { response_metadata: { messages: details } } : {}),
    };
  }
}
