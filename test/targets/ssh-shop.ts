/** A checkout on an SSH host, of an origin that both machines reach by ssh://. */
import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SshDeclaration } from "../../src/targets/ssh-options.ts";
import type { TestSshServer } from "../servers/sshd.ts";

const run = promisify(execFile);

/** How that server is declared in a config. */
export function declarationOf(server: TestSshServer) {
  return {
    ssh: server.host,
    user: server.user,
    port: server.port,
    identity: server.keyPath,
    knownHosts: server.knownHostsPath,
  } satisfies SshDeclaration;
}

/** Releases v1.0.0 and v1.1.0; the checkout stands at the first and knows no other. `home` lets git reach the origin. */
export async function sshShop(
  server: TestSshServer,
  folder: string,
): Promise<{ path: string; home: string }> {
  const [home, origin, path, ssh] = ["home", "origin", "checkout", "ssh.sh"].map((name) =>
    join(folder, name),
  );
  await mkdir(home!);
  const options = `-i '${server.keyPath}' -o UserKnownHostsFile='${server.knownHostsPath}' -o IdentitiesOnly=yes`;
  await writeFile(ssh!, `#!/bin/sh\nexec ssh ${options} "$@"\n`);
  await chmod(ssh!, 0o755);
  await writeFile(join(home!, ".gitconfig"), `[core]\n\tsshCommand = ${ssh}\n`);
  const git = (where: string, ...args: string[]) =>
    run("git", ["-C", where, "-c", "user.name=Rosa", "-c", "user.email=rosa@example.com", ...args]);
  await run("git", ["init", "--quiet", origin!]);
  for (const version of ["1.0.0", "1.1.0"]) {
    await writeFile(join(origin!, "version"), version);
    await git(origin!, "add", ".");
    await git(origin!, "commit", "--quiet", "-m", `Release ${version}`);
    await git(origin!, "tag", `v${version}`);
  }
  await run("git", ["clone", "--quiet", origin!, path!]);
  const url = `ssh://${server.user}@${server.host}:${server.port}${origin}`;
  await git(path!, "remote", "set-url", "origin", url);
  await git(path!, "config", "core.sshCommand", ssh!);
  await git(path!, "checkout", "--quiet", "--detach", "v1.0.0");
  await git(path!, "tag", "--delete", "v1.1.0");
  return { path: path!, home: home! };
}
