/** A real OpenSSH server for tests: loopback, keys of its own, the current user; installed by apt if need be. */
import { execFile, spawn } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findOrInstall, programPath } from "./apt.ts";
import { freePort, keep, runFolder } from "./run.ts";

const run = promisify(execFile);

export interface TestSshServer {
  host: string;
  port: number;
  user: string;
  /** private key that may log in */
  keyPath: string;
  knownHostsPath: string;
  stop(): Promise<void>;
}

/** Lets a process see one folder in the place of another: so servers of one machine can have a file system each. */
const WITH_MOUNT = 'mount --make-rprivate / && mount --bind "$1" "$2" && shift 2 && exec "$@"';

/** Whether this machine lets us give a server a place of its own in the file system; where not, why not. */
export async function cannotMount(): Promise<string | null> {
  const folder = await mkdtemp(join(await runFolder(), "mount-"));
  const probe = run("unshare", ["--mount", "sh", "-c", WITH_MOUNT, "sh", folder, folder, "true"]);
  return await probe.then(
    () => null,
    (error: Error) => error.message.split("\n").at(-1) ?? "unshare failed",
  );
}

/** `host` is a loopback address; with `mount` the server sees the folder `from` at `at`. */
export async function sshServer(
  options: { host?: string; mount?: { from: string; at: string } } = {},
): Promise<TestSshServer> {
  const packages = ["openssh-server", "openssh-client"];
  const program = await findOrInstall("OpenSSH", packages, async () =>
    (await programPath("ssh")) ? programPath("sshd") : null,
  );
  const folder = await mkdtemp(join(await runFolder(), "ssh-"));
  const file = (name: string): string => join(folder, name);
  for (const key of ["host_key", "user_key"]) {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(key)]);
  }
  await copyFile(file("user_key.pub"), file("authorized_keys"));
  await chmod(file("authorized_keys"), 0o600);
  // Root's sshd wants its folder for privilege separation, which the service's start would have made.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });

  const host = options.host ?? "127.0.0.1";
  const port = await freePort();
  const { user } = { user: userInfo().username };
  await writeFile(
    file("sshd_config"),
    [
      `Port ${port}`,
      `ListenAddress ${host}`,
      `HostKey ${file("host_key")}`,
      `AuthorizedKeysFile ${file("authorized_keys")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      `Subsystem sftp internal-sftp`,
      "",
    ].join("\n"),
  );
  const [type, key] = (await readFile(file("host_key.pub"), "utf8")).split(" ");
  await writeFile(file("known_hosts"), `[${host}]:${port} ${type} ${key}\n`);

  // sshd wants to be called by its whole path, as it calls itself again for each connection.
  const { mount } = options;
  const serve = [program, "-D", "-e", "-f", file("sshd_config")];
  const [command = "", ...args] = mount
    ? ["unshare", "--mount", "sh", "-c", WITH_MOUNT, "sh", mount.from, mount.at, ...serve]
    : serve;
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let output = "";
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`sshd ended with ${code}: ${output.slice(-1000)}`)));
    child.stderr.on("data", (chunk) => {
      output = (output + chunk).slice(-10_000);
      if (output.includes("Server listening on")) resolve();
    });
  });
  const release = await keep("sshd", child.pid!, { folders: [folder] });
  return {
    host,
    port,
    user,
    keyPath: file("user_key"),
    knownHostsPath: file("known_hosts"),
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
      await release();
    },
  };
}
