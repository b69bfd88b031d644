import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedact } from "../../src/redact.ts";
import { localHost, type ProcessIdentity } from "../../src/targets/host.ts";
import { outputSink } from "../../src/targets/host-output.ts";
import { startOf } from "../../src/targets/host-process.ts";

const SECRET = "correct-horse-battery";
const host = localHost({ redact: createRedact([SECRET]), environment: process.env });
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "steward-host-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sh = (script: string, ...args: string[]) => ["sh", "-c", script, "sh", ...args];

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("did not come true within 5 s");
    await pause(10);
  }
}

describe("a command", () => {
  it("gives its exit code and its output and errors in the order they were written", async () => {
    const result = await host.run(sh("echo one; echo two >&2; echo three; exit 3"), { timeoutMs: 5_000 });
    expect(result).toMatchObject({
      exitCode: 3,
      signal: null,
      timedOut: false,
      aborted: false,
      output: "one\ntwo\nthree\n",
    });
  });

  it("gets its input, its folder, and only the minimal environment", async () => {
    process.env.STEWARD_TEST_LEAK = "leaked";
    const result = await host.run(sh("cat; pwd; env"), {
      timeoutMs: 5_000,
      cwd: folder,
      input: "fed\n",
      env: { EXTRA: "yes" },
    });
    delete process.env.STEWARD_TEST_LEAK;
    expect(result.output).toContain(`fed\n${folder}\n`);
    expect(result.output).toContain("EXTRA=yes");
    expect(result.output).not.toContain("leaked");
  });

  it("gets hostile arguments literally", async () => {
    const hostile = ["; rm -rf /", "$(touch x)", "--upload-pack=x", "`id`", "a\nb", "", "'", '"', "-", "*"];
    const result = await host.run(
      ["node", "-e", "process.stdout.write(JSON.stringify(process.argv.slice(1)))", "--", ...hostile],
      { timeoutMs: 5_000, cwd: folder },
    );
    expect(JSON.parse(result.output)).toEqual(hostile);
    expect(existsSync(join(folder, "x"))).toBe(false);
  });

  it("that does not exist, or has no folder to run in, is named in the error", async () => {
    await expect(host.run(["no-such-program"], { timeoutMs: 1_000 })).rejects.toMatchObject({
      code: "command_not_found",
      message: expect.stringContaining("'no-such-program'"),
    });
    await expect(host.run(["-a"], { timeoutMs: 1_000 })).rejects.toMatchObject({ code: "command_not_found" });
    await expect(host.run(["ls"], { timeoutMs: 1_000, cwd: "/no/such/folder" })).rejects.toMatchObject({
      code: "command_not_found",
      message: expect.stringContaining("/no/such/folder"),
    });
    await writeFile(join(folder, "plain.txt"), "not a program");
    await expect(host.run(["./plain.txt"], { timeoutMs: 1_000, cwd: folder })).rejects.toMatchObject({
      code: "command_not_found",
    });
  });

  it("may leave a service running that holds its output open", async () => {
    const began = performance.now();
    const result = await host.run(sh("sleep 30 & echo $!"), { timeoutMs: 20_000 });
    const pid = Number(result.output);
    expect(result).toMatchObject({ exitCode: 0, timedOut: false });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await startOf(pid)).toBeDefined();
    process.kill(pid, "SIGKILL");
  });
});

describe("a timeout or abort", () => {
  it("kills the whole group, a grandchild that ignores SIGTERM's parent too, and settles", async () => {
    const result = await host.run(sh("sleep 60 & echo $!; sleep 60"), { timeoutMs: 300 });
    expect(result).toMatchObject({ timedOut: true, aborted: false });
    expect(await startOf(Number(result.output))).toBeUndefined();
  });

  it("settles although a grandchild that left the group keeps the output open", async () => {
    const result = await host.run(sh("setsid sh -c 'echo $$; sleep 60' & sleep 60"), { timeoutMs: 400 });
    const pid = Number(result.output);
    expect(result.timedOut).toBe(true);
    expect(await startOf(pid)).toBeDefined();
    process.kill(-pid, "SIGKILL");
  });

  it("ends in SIGKILL for what ignores SIGTERM", async () => {
    const stop = new AbortController();
    const result = await host.run(sh("trap '' TERM; echo ready; while :; do sleep 0.05; done"), {
      timeoutMs: 60_000,
      signal: stop.signal,
      onOutput: () => stop.abort(),
    });
    expect(result).toMatchObject({ aborted: true, timedOut: false, signal: "SIGKILL" });
  });

  it("before the start means that nothing runs", async () => {
    const file = join(folder, "aborted");
    const result = await host.run(["touch", file], { timeoutMs: 5_000, signal: AbortSignal.abort() });
    expect(result.aborted).toBe(true);
    expect(existsSync(file)).toBe(false);
  });
});

describe("the gate", () => {
  it("hands over the identity that the command then has", async () => {
    let told: ProcessIdentity | undefined;
    const file = join(folder, "gate");
    const result = await host.run(sh('echo $$; touch "$1"', file), {
      timeoutMs: 5_000,
      beforeStart: async (identity) => {
        told = identity;
        expect(await host.isAlive(identity)).toBe(true);
        expect(existsSync(file)).toBe(false);
      },
    });
    expect(told).toMatchObject({ host: host.name, pid: Number(result.output) });
    expect(existsSync(file)).toBe(true);
    expect(await host.isAlive(told!)).toBe(false);
  });

  it("lets nothing run when it throws, and passes the error on", async () => {
    const file = join(folder, "never");
    let told: ProcessIdentity | undefined;
    const run = host.run(["touch", file], {
      timeoutMs: 5_000,
      beforeStart: async (identity) => {
        told = identity;
        throw new Error("the journal said no");
      },
    });
    await expect(run).rejects.toThrow("the journal said no");
    expect(existsSync(file)).toBe(false);
    expect(await host.isAlive(told!)).toBe(false);
  });

  it("lets nothing run when Steward dies while it is shut", async () => {
    const file = join(folder, "orphan");
    const script = join(folder, "dies.ts");
    const source = new URL("../../src/targets/host.ts", import.meta.url).href;
    await writeFile(
      script,
      `import { localHost } from ${JSON.stringify(source)};
       await localHost({ redact: (t) => t, environment: process.env }).run(["touch", ${JSON.stringify(file)}], { timeoutMs: 60000,
         beforeStart: (identity) => { console.log(JSON.stringify(identity)); return new Promise(() => {}); } });`,
    );
    const steward = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(steward.stdout, "data");
    steward.kill("SIGKILL");
    const identity: ProcessIdentity = JSON.parse(String(line));
    await until(async () => !(await host.isAlive(identity)));
    expect(existsSync(file)).toBe(false);
  });
});

describe("a process known by its identity", () => {
  async function orphan(script: string): Promise<ProcessIdentity> {
    const child = spawn("sh", ["-c", script], { detached: true, stdio: "ignore" });
    return { host: host.name, pid: child.pid!, startedAt: (await startOf(child.pid!))! };
  }

  it("is killed with its group", async () => {
    const file = join(folder, "grandchild");
    const identity = await orphan(`sleep 60 & echo $! > ${file}; wait`);
    await until(async () => existsSync(file) && (await readFile(file, "utf8")) !== "");
    const grandchild = Number(await readFile(file, "utf8"));
    expect(await host.killGroup(identity)).toBe(true);
    expect(await host.isAlive(identity)).toBe(false);
    expect(await startOf(grandchild)).toBeUndefined();
  });

  it("counts as alive while something of its group is left, and that is killed too", async () => {
    const identity = await orphan("sleep 60 & sleep 0.1");
    await until(async () => (await startOf(identity.pid)) === undefined);
    expect(await host.isAlive(identity)).toBe(true);
    expect(await host.killGroup(identity)).toBe(true);
    expect(await host.isAlive(identity)).toBe(false);
  });

  it("is not mistaken for a later one with the same pid", async () => {
    const stranger = await orphan("sleep 60");
    const [boot, ticks] = stranger.startedAt.split(/:(?=\d+$)/) as [string, string];
    for (const startedAt of [`${boot}:${Number(ticks) - 1}`, `another-boot:${ticks}`]) {
      expect(await host.isAlive({ ...stranger, startedAt })).toBe(false);
      expect(await host.killGroup({ ...stranger, startedAt })).toBe(true);
    }
    expect(await host.isAlive(stranger)).toBe(true);
    await host.killGroup(stranger);
  });

  it("of another host is never proven dead from here", async () => {
    const elsewhere = { host: "elsewhere", pid: 1, startedAt: "x:1" };
    expect(await host.isAlive(elsewhere)).toBe(true);
    expect(await host.killGroup(elsewhere)).toBe(false);
  });
});

describe("output", () => {
  it("is bounded, with head and tail and a line that says how much is left out", async () => {
    const result = await host.run(sh("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"), {
      timeoutMs: 20_000,
      outputLimit: 4_096,
    });
    expect(result.output).toMatch(/^line 0\nline 1\n/);
    expect(result.output).toMatch(/line 19998\nline 19999\n$/);
    const left = Number(/\n… (\d+) bytes left out …\n/.exec(result.output)?.[1]);
    const whole = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("").length;
    const kept = result.output.replace(/… \d+ bytes left out …\n/, "").length;
    expect(kept + left).toBe(whole);
    expect(kept).toBeLessThanOrEqual(4_096);
  });

  it("streams while the command runs, redacted", async () => {
    const pieces: string[] = [];
    const result = await host.run(
      sh(`printf 'key corr'; sleep 0.1; printf 'ect-horse-'; sleep 0.1; echo battery; echo done`),
      {
        timeoutMs: 5_000,
        onOutput: (text) => pieces.push(text),
      },
    );
    expect(pieces.join("")).toBe("key [redacted]\ndone\n");
    expect(result.output).toBe("key [redacted]\ndone\n");
  });

  const redact = createRedact([SECRET]);
  function through(text: string, size: number): { kept: string; streamed: string } {
    let streamed = "";
    const sink = outputSink(redact, 1 << 20, (part) => {
      streamed += part;
    });
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) sink.add(bytes.subarray(at, at + size));
    sink.end();
    return { kept: sink.text(), streamed };
  }

  it("lets no secret through, wherever its chunks are cut", () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${"MIIEvQIBADANBgkq\n".repeat(30)}-----END PRIVATE KEY-----`;
    const text = `a ${SECRET} b\npostgres://shop:hunter22@db/shop\n${key}\nüñí €\n\u001b[31mred\u001b[0m ${SECRET}`;
    for (const size of [1, 2, 3, 5, 7, 11, 16, 64, 100_000]) {
      const { kept, streamed } = through(text, size);
      expect(kept).toBe(
        "a [redacted] b\npostgres://shop:[redacted]@db/shop\n[redacted]\nüñí €\nred [redacted]",
      );
      expect(streamed).toBe(kept);
    }
  });

  it("lets no secret through in one endless line, nor a key without an end", () => {
    for (const at of [57_000, 65_530, 131_060]) {
      const { streamed } = through(`${"x".repeat(at)} ${SECRET} ${"y".repeat(90_000)}`, 4_096);
      expect(streamed).toContain("[redacted]");
      expect(streamed).not.toMatch(/horse|battery/);
    }
    const { streamed } = through(
      `before\n-----BEGIN RSA PRIVATE KEY-----\n${"MIIEvQIBADANBgkq\n".repeat(20_000)}`,
      4_096,
    );
    expect(streamed).toBe("before\n[redacted]");
  });

  it("holds no NUL, which Postgres could not store, nor half characters", () => {
    expect(through("a\0b\n", 10).kept).toBe("a�b\n");
    const { kept } = through(`${"€".repeat(10)}\n`, 1);
    expect(kept).toBe(`${"€".repeat(10)}\n`);
  });
});

describe("facts", () => {
  it("are percentages of this machine", async () => {
    const [cpu, memory, disk] = await Promise.all([
      host.facts.cpu(),
      host.facts.memory(),
      host.facts.disk("/"),
    ]);
    for (const { usedPercent } of [cpu, memory, disk]) {
      expect(usedPercent).toBeGreaterThanOrEqual(0);
      expect(usedPercent).toBeLessThanOrEqual(100);
    }
    expect(memory.availableBytes).toBeLessThanOrEqual(memory.totalBytes);
    expect(disk.freeBytes).toBeLessThanOrEqual(disk.totalBytes);
  });
});
