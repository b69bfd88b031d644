import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { runCli } from "./terminal.ts";

const cwd = tmpdir();

describe("the command line", () => {
  it("without a command shows what there is", async () => {
    const { code, out } = await runCli([], { cwd });
    expect(code).toBe(0);
    for (const command of ["start", "doctor", "init", "version", "help"])
      expect(out).toContain(`steward ${command}`);
  });

  it("answers an unknown command with the nearest one and the list, exit 2", async () => {
    const { code, out, err } = await runCli(["docter"], { cwd });
    expect([code, out]).toEqual([2, ""]);
    expect(err).toBe(
      "Unknown command 'docter'; known: start, doctor, init, version, help\nDid you mean doctor?\n",
    );
  });

  it("answers an unknown option with the usage, exit 2", async () => {
    const { code, err } = await runCli(["doctor", "--jsn"], { cwd });
    expect(code).toBe(2);
    expect(err).toBe("Unknown option '--jsn'\nUsage: steward doctor [--json]\n");
  });

  it("shows its version", async () => {
    const { code, out } = await runCli(["--version"], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(/^steward \d+\.\d+\.\d+, Node v\d+/);
  });
});
