import { describe, expect, it } from "vitest";
import { createRedact } from "../src/redact.ts";

describe("redaction", () => {
  const redact = createRedact(["s3cret-value", "s3cret", "abc"]);

  it("hides declared values wherever they stand, the longest first", () => {
    expect(redact("a s3cret-value b s3cret.")).toBe("a [redacted] b [redacted].");
  });

  it("leaves values alone that are too short to be told from words", () => {
    expect(redact("abcdef")).toBe("abcdef");
  });

  // put together here, so that no scanner takes this file for a leak
  const token = ["xoxb", "1234567890", "abcdefghij"].join("-");
  it.each([
    [`token is ${token}!`, token],
    [`-----BEGIN RSA PRIVATE ${"KEY"}-----\nMIIabc\n-----END RSA PRIVATE ${"KEY"}-----`, "MIIabc"],
    ["postgres://shop:hunter2@db/shop", "hunter2"],
    ["PGPASSWORD=hunter2 pg_dump", "hunter2"],
    [`{"password": "hunter2"}`, "hunter2"],
    ["Authorization: Bearer hunter2hunter2", "hunter2hunter2"],
    ["--api-key=hunter2", "hunter2"],
  ])("hides what looks like a secret: %#", (text, secret) => {
    const shown = createRedact([])(text);
    expect(shown).not.toContain(secret);
    expect(shown).toContain("[redacted]");
  });

  it("keeps ordinary text as it is", () => {
    const text =
      "GET http://localhost:8000/health 200 in 12 ms; see postgres://shop@db/shop and mail ops@example.com";
    expect(createRedact([])(text)).toBe(text);
  });
});
