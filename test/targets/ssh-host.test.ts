import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedact } from "../../src/redact.ts";
import type { Host, ProcessIdentity } from "../../src/targets/host.ts";
import { startOf } from "../../src/targets/host-process.ts";
import { type SshHost, sshHost } from "../../src/targets/ssh-host.ts";
import { type ControlFolder, openControlFolder, type SshDeclaration } from "../../src/targets/ssh-options.ts";
import { encodeTask, REMOTE_COMMAND } from "../../src/targets/ssh-script.ts";
import { freePort } from "../servers/run.ts";
import { sshServer, type TestSshServer } from "../servers/sshd.ts";
import { declarationOf } from "./ssh-shop.ts";

const SECRET = "correct-horse-battery";
const redact = createRedact([SECRET]);
const run = promisify(execFile);
let server: TestSshServer;
let folder: string;
let control: ControlFolder;
let declaration: SshDeclaration;
let host: SshHost;
const opened: SshHost[] = [];
const folders: ControlFolder[] = [];

beforeAll(async () => {
  server = await sshServer();
  folder = await realpath(await mkdtemp(join(tmpdir(), "steward ssh ")));
  control = newFolder();
  declaration = declarationOf(server);
  host = open();
});
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await server.stop();
  for (const made of folders) made.remove();
  await rm(folder, { recursive: true, force: true });
});

function newFolder(): ControlFolder {
  const made = openControlFolder();
  folders.push(made);
  return made;
}
function open(changes: Partial<SshDeclaration> = {}, controlFolder = control.path): SshHost {
  const made = sshHost({ ...declaration, ...changes }, { redact, controlFolder, environment: process.env });
  opened.push(made);
  return made;
}
const sh = (script: string, ...args: string[]) => ["sh", "-c", script, "sh", ...args];

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 8_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("did not come true within 8 s");
    await pause(20);
  }
}

/** A Steward of its own that runs a command and tells of its process; `shut` keeps the gate closed. */
async function steward(command: string[], gate: "open" | "shut") {
  const source = new URL("../../src/targets/ssh-host.ts", import.meta.url).href;
  const script = join(folder, `steward-${gate}.ts`);
  const own = newFolder();
  // to be closed: the connection that it leaves behind
  open({}, own.path);
  await writeFile(
    script,
    `import { type SshHost, sshHost } from ${JSON.stringify(source)};
     const host = sshHost(${JSON.stringify(declaration)}, { redact: (t) => t, controlFolder: ${JSON.stringify(own.path)}, environment: process.env });
     await host.run(${JSON.stringify(command)}, { timeoutMs: 60000, beforeStart: (identity) => {
       console.log(JSON.stringify(identity));
       return ${gate === "open" ? "Promise.resolve()" : "new Promise(() => {})"};
     } });`,
  );
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  return { identity: JSON.parse(String(line)) as ProcessIdentity, kill: () => child.kill("SIGKILL") };
}

describe("a command over SSH", () => {
  it("gives its exit code and its output and errors in the order they were written", async () => {
    const result = await host.run(sh("echo one; echo two >&2; printf three; exit 3"), { timeoutMs: 5_000 });
    expect(result).toMatchObject({
      exitCode: 3,
      signal: null,
      timedOut: false,
      aborted: false,
      output: "one\ntwo\nthree",
    });
  });

  it("may end with 255, which is not mistaken for ssh's own", async () => {
    expect(await host.run(sh("exit 255"), { timeoutMs: 5_000 })).toMatchObject({ exitCode: 255 });
  });

  it("gets hostile arguments, folder and variables literally", async () => {
    const hostile = [
      "; rm -rf /",
      "$(touch x)",
      "$HOME",
      "--upload-pack=x",
      "`id`",
      "a\nb",
      "\n",
      "ends in lines\n\n",
      "",
      "'",
      '"',
      "'; touch x; '",
      "-",
      "*",
      " spaces ",
      "\t",
      "back\\slash\\n",
      "ünï¢ødé €",
      ".",
      "go",
      "a=b",
      "x".repeat(100_000),
    ];
    const result = await host.run(
      [
        "node",
        "-e",
        "process.stdout.write(JSON.stringify([process.cwd(), process.env.HOSTILE, process.argv.slice(1)]))",
        "--",
        ...hostile,
      ],
      {
        timeoutMs: 10_000,
        cwd: folder,
        env: { HOSTILE: "$(touch x)\n'\"`id`\n", PATH: process.env.PATH ?? "" },
        outputLimit: 1 << 20,
      },
    );
    expect(JSON.parse(result.output)).toEqual([folder, "$(touch x)\n'\"`id`\n", hostile]);
    expect(existsSync(join(folder, "x"))).toBe(false);
  });

  it("is never a command of the shell itself", async () => {
    const file = join(folder, "evaluated");
    for (const program of ["eval", "exit", ".", "say", "export"])
      await expect(host.run([program, `touch '${file}'`], { timeoutMs: 5_000 })).rejects.toMatchObject({
        code: "command_not_found",
      });
    expect(existsSync(file)).toBe(false);
    const place = await mkdtemp(join(folder, "bin-"));
    await writeFile(join(place, "eval"), '#!/bin/sh\necho "the program, $1"\n', { mode: 0o755 });
    const named = await host.run(["eval", `touch '${file}'`], {
      timeoutMs: 5_000,
      env: { PATH: `${place}:/usr/bin:/bin` },
    });
    expect(named.output).toBe(`the program, touch '${file}'\n`);
    expect(existsSync(file)).toBe(false);
  });

  it("gets its input, and only the minimal environment and what is given", async () => {
    const result = await host.run(sh("cat; env; read -r more || echo end"), {
      timeoutMs: 5_000,
      input: "fed\n.\ngo\n",
      env: { EXTRA: "yes", steward_line: "mine" },
    });
    expect(result.output).toContain("fed\n.\ngo\n");
    expect(result.output).toContain("EXTRA=yes");
    expect(result.output).toContain("end\n");
    const names = [...result.output.matchAll(/^(\w+)=/gm)].map((match) => match[1]!);
    expect(
      names.filter((name) => !/^(PATH|HOME|USER|LANG|TMPDIR|PWD|OLDPWD|SHLVL|_)$/.test(name)).sort(),
    ).toEqual(["EXTRA", "steward_line"]);
  });

  it("that does not exist, or has no folder to run in, is named in the error", async () => {
    for (const [command, cwd, named] of [
      [["no-such-program"], "/", "'no-such-program'"],
      [["-a"], "/", "'-a'"],
      [["./plain.txt"], folder, "'./plain.txt'"],
      [["ls"], "/no/such/folder", "/no/such/folder"],
      [["ls"], "no/whole/path", "no/whole/path"],
    ] as const) {
      await writeFile(join(folder, "plain.txt"), "not a program");
      await expect(host.run(command, { timeoutMs: 1_000, cwd })).rejects.toMatchObject({
        code: "command_not_found",
        message: expect.stringContaining(named),
      });
    }
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

  it("streams while it runs, redacted and bounded", async () => {
    const pieces: string[] = [];
    const gate = join(folder, "streamed");
    const streamed = await host.run(
      sh(
        `printf 'key corr'; printf 'ect-horse-'; echo battery; until [ -e "$1" ]; do sleep 0.05; done; echo done`,
        gate,
      ),
      {
        timeoutMs: 8_000,
        onOutput: (text) => {
          pieces.push(text);
          if (pieces.join("") === "key [redacted]\n") void writeFile(gate, "");
        },
      },
    );
    expect(pieces.join("")).toBe("key [redacted]\ndone\n");
    expect(streamed).toMatchObject({ exitCode: 0, output: "key [redacted]\ndone\n" });
    const long = await host.run(sh("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"), {
      timeoutMs: 20_000,
      outputLimit: 4_096,
    });
    expect(long.output).toMatch(/^line 0\n[\s\S]* bytes left out [\s\S]*line 19999\n$/);
    expect(Buffer.byteLength(long.output)).toBeLessThan(4_300);
  });

  it("keeps its bytes, whatever they are", async () => {
    const all = "for (let i = 0; i < 3000; i++) process.stdout.write(i + 'ü€\\n')";
    const { output } = await host.run(["node", "-e", all], {
      timeoutMs: 8_000,
      env: { PATH: process.env.PATH ?? "" },
    });
    expect(output).toBe(Array.from({ length: 3_000 }, (_, i) => `${i}ü€\n`).join(""));
  });

  const shells = ["sh", "dash", "bash", "zsh", "ksh", "fish"].map((name) => `/bin/${name}`);
  it.each(shells.filter((path) => existsSync(path)))("works under the login shell %s", async (path) => {
    const mark = "7f1c";
    const child = spawn(path, ["-c", REMOTE_COMMAND], { detached: true, stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = child;
    child.stdin.end(`${encodeTask({ command: ["printf", "%s", "a\n'b'"], cwd: "/" }, mark)}go\n`);
    let text = "";
    for await (const chunk of stdout) text += chunk;
    expect(text).toMatch(new RegExp(`^${mark} proc [\\w-]+ ${child.pid} .*\\na\\n'b'${mark} exit 0\\n$`));
  });
});

describe("a host that cannot be worked on", () => {
  const echo = (target: Host) => target.run(["echo"], { timeoutMs: 5_000 });
  const alone = async (changes: Partial<SshDeclaration>) => {
    const own = newFolder();
    return await echo(open(changes, own.path));
  };

  it("with another host key than the known one is refused", async () => {
    const [, type, key] = (await readFile(server.knownHostsPath, "utf8")).trim().split(" ");
    const other = join(folder, "other_key");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other]);
    const [, wrong] = (await readFile(`${other}.pub`, "utf8")).split(" ");
    const known = join(folder, "known hosts");
    await writeFile(known, `[${server.host}]:${server.port} ${type} ${wrong}\n`);
    await expect(alone({ knownHosts: known })).rejects.toMatchObject({
      code: "ssh_failed",
      message: expect.stringMatching(/Host key verification failed/),
      hint: expect.stringContaining("known hosts"),
    });
    await writeFile(known, "");
    await expect(alone({ knownHosts: known })).rejects.toMatchObject({ code: "ssh_failed" });
    await writeFile(known, `[${server.host}]:${server.port} ${type} ${key}\n`);
    expect(await alone({ knownHosts: known })).toMatchObject({ exitCode: 0 });
  });

  it("refuses another key, and ssh's words are passed on", async () => {
    const key = join(folder, "stranger");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await expect(alone({ identity: key })).rejects.toMatchObject({
      code: "ssh_failed",
      message: expect.stringContaining("Permission denied"),
      hint: expect.stringContaining("authorized_keys"),
    });
  });

  it("where nothing listens says so, and its processes are not proven dead", async () => {
    const gone = open({ port: await freePort() });
    await expect(echo(gone)).rejects.toMatchObject({
      code: "ssh_failed",
      message: expect.stringContaining("refused"),
    });
    const identity = { host: gone.name, pid: 4_000_000, startedAt: "x:1" };
    expect(await gone.isAlive(identity)).toBe(true);
    expect(await gone.killGroup(identity)).toBe(false);
  });

  it("is never named so that ssh would take it for an option", () => {
    for (const ssh of ["-oProxyCommand=touch x", "", "a b", "$(id)"])
      expect(() => open({ ssh })).toThrow(/no name of a host/);
    expect(() => open({ user: "-l" })).toThrow(/no name of a host or user/);
  });
});

describe("a timeout or abort over SSH", () => {
  it("kills the whole group there, and settles", async () => {
    const result = await host.run(sh("sleep 60 & echo $!; sleep 60"), { timeoutMs: 500 });
    expect(result).toMatchObject({ timedOut: true, aborted: false, exitCode: null, signal: "SIGTERM" });
    expect(await startOf(Number(result.output))).toBeUndefined();
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
    const stop = new AbortController();
    const [early, late] = await Promise.all([
      host.run(["touch", file], { timeoutMs: 5_000, signal: AbortSignal.abort() }),
      host.run(["touch", file], {
        timeoutMs: 5_000,
        signal: stop.signal,
        beforeStart: async () => stop.abort(),
      }),
    ]);
    expect([early.aborted, late.aborted]).toEqual([true, true]);
    expect(existsSync(file)).toBe(false);
  });
});

describe("the gate over SSH", () => {
  it("hands over the identity of the group that the command then runs in", async () => {
    let told: ProcessIdentity | undefined;
    const file = join(folder, "gate");
    const result = await host.run(sh('touch "$1"; cut -d" " -f5 /proc/$$/stat', file), {
      timeoutMs: 5_000,
      beforeStart: async (identity) => {
        told = identity;
        expect(await host.isAlive(identity)).toBe(true);
        expect(existsSync(file)).toBe(false);
      },
    });
    expect(told).toMatchObject({
      host: `ssh:${server.user}@${server.host}:${server.port}`,
      pid: Number(result.output),
    });
    expect(existsSync(file)).toBe(true);
    await until(async () => !(await host.isAlive(told!)));
  });

  it("lets nothing run when it throws, and passes the error on", async () => {
    const file = join(folder, "never");
    let told: ProcessIdentity | undefined;
    const attempt = host.run(["touch", file], {
      timeoutMs: 5_000,
      beforeStart: async (identity) => {
        told = identity;
        throw new Error("the journal said no");
      },
    });
    await expect(attempt).rejects.toThrow("the journal said no");
    await until(async () => !(await host.isAlive(told!)));
    expect(existsSync(file)).toBe(false);
  });

  it("lets nothing run when Steward dies while it is shut", async () => {
    const file = join(folder, "orphan");
    const { identity, kill } = await steward(["touch", file], "shut");
    kill();
    await until(async () => !(await host.isAlive(identity)));
    expect(existsSync(file)).toBe(false);
  });
});

describe("a process known by its identity over SSH", () => {
  it("is ended with its group by another Steward, after the one that started it was killed", async () => {
    const file = join(folder, "effects");
    const script = 'trap "" PIPE HUP; sleep 60 & while :; do echo on >> "$1"; sleep 0.05; done';
    const { identity, kill } = await steward(sh(script, file), "open");
    await until(() => existsSync(file));
    kill();
    const another = open({}, newFolder().path);
    expect(await another.isAlive(identity)).toBe(true);
    expect(await another.killGroup(identity)).toBe(true);
    expect(await another.isAlive(identity)).toBe(false);
    const left = await readFile(file, "utf8");
    await pause(200);
    expect(await readFile(file, "utf8")).toBe(left);
  });

  it("is not mistaken for a later one with the same pid, nor for one of another host", async () => {
    const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    const stranger = { host: host.name, pid: child.pid!, startedAt: (await startOf(child.pid!))! };
    const [boot, ticks] = stranger.startedAt.split(/:(?=\d+$)/) as [string, string];
    for (const startedAt of [`${boot}:${Number(ticks) - 1}`, `another-boot:${ticks}`]) {
      expect(await host.isAlive({ ...stranger, startedAt })).toBe(false);
      expect(await host.killGroup({ ...stranger, startedAt })).toBe(true);
    }
    expect(await host.killGroup({ ...stranger, host: "elsewhere" })).toBe(false);
    expect(await host.isAlive(stranger)).toBe(true);
    expect(await host.killGroup(stranger)).toBe(true);
    expect(await startOf(child.pid!)).toBeUndefined();
  });
});

describe("the connection", () => {
  it("is shared: later commands log in no more", async () => {
    const own = newFolder();
    const shared = open({}, own.path);
    const daemon = async () =>
      (await shared.run(sh("ps -o ppid= -p $PPID"), { timeoutMs: 5_000 })).output.trim();
    const first = await daemon();
    expect(await Promise.all([daemon(), daemon()])).toEqual([first, first]);
    expect(await startOf(Number(first))).toBeDefined();
    await shared.close();
    await until(async () => (await startOf(Number(first))) === undefined);
  });

  it("cut in the middle of a command is said, and what ran is ended", async () => {
    const own = newFolder();
    const cut = open({}, own.path);
    let told: ProcessIdentity | undefined;
    let pid = 0;
    const attempt = cut.run(sh('trap "" PIPE HUP; echo $$; sleep 60; sleep 60'), {
      timeoutMs: 60_000,
      beforeStart: async (identity) => {
        told = identity;
      },
      onOutput: (text) => {
        pid = Number(text);
        void cutOff(told!.pid);
      },
    });
    await expect(attempt).rejects.toMatchObject({
      code: "ssh_lost",
      message: expect.stringContaining("has ended"),
    });
    expect(await startOf(pid)).toBeUndefined();
    expect(await host.isAlive(told!)).toBe(false);
  });

  it("that cannot be made again leaves it unsure whether the process has ended", {
    timeout: 60_000,
  }, async () => {
    const own = await sshServer();
    const folderOfIts = newFolder();
    const fragile = open(
      { port: own.port, identity: own.keyPath, knownHosts: own.knownHostsPath },
      folderOfIts.path,
    );
    let told: ProcessIdentity | undefined;
    const attempt = fragile.run(sh('trap "" PIPE HUP; echo ready; sleep 60'), {
      timeoutMs: 60_000,
      beforeStart: async (identity) => {
        told = identity;
      },
      onOutput: () => void own.stop().then(() => cutOff(told!.pid)),
    });
    await expect(attempt).rejects.toMatchObject({ code: "ssh_unsure" });
    process.kill(-told!.pid, "SIGKILL");
  });

  /** Ends the server's process of the connection, as a broken network would. */
  async function cutOff(pid: number): Promise<void> {
    const { stdout } = await run("ps", ["-o", "ppid=", "-p", String(pid)]);
    process.kill(Number(stdout), "SIGKILL");
  }
});

describe("facts over SSH", () => {
  it("are percentages of the host", async () => {
    const [cpu, memory, disk] = await Promise.all([
      host.facts.cpu(),
      host.facts.memory(),
      host.facts.disk("/"),
    ]);
    for (const { usedPercent } of [cpu, memory, disk]) {
      expect(usedPercent).toBeGreaterThanOrEqual(0);
      expect(usedPercent).toBeLessThanOrEqual(100);
    }
    expect(cpu.cores).toBeGreaterThan(0);
    expect(memory.availableBytes).toBeLessThanOrEqual(memory.totalBytes);
    expect(disk.freeBytes).toBeLessThanOrEqual(disk.totalBytes);
  });

  it("that the host does not tell are an error", async () => {
    await expect(host.facts.disk("/no/such/folder")).rejects.toMatchObject({ code: "no_facts" });
  });
});
