import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StewardError } from "../errors.ts";

/** A host that is reached over SSH, as the config declares it; what is left out is ssh's own config's to say. */
export interface SshDeclaration {
  /** a name or address, or a name of the user's ssh config */
  ssh: string;
  user?: string | undefined;
  port?: number | undefined;
  /** file of the private key; no other is tried then */
  identity?: string | undefined;
  /** file of the known hosts' keys; default ssh's own */
  knownHosts?: string | undefined;
}

/** The longest path of a unix socket, and what ssh hangs on to it while it makes one. */
const SOCKET_PATH_LIMIT = 103;
const SOCKET_SUFFIX = 18;
const SOCKET_NAME = "/0123456789abcdef".length;
/** What ssh itself reads; nothing else of Steward's environment reaches it. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "SSH_AUTH_SOCK"];

/** What processes are told apart by: the same in every replica with the same config. */
export function sshName({ ssh, user, port }: SshDeclaration): string {
  return `ssh:${user === undefined ? "" : `${user}@`}${ssh}${port === undefined ? "" : `:${port}`}`;
}

/**
 * The arguments of ssh up to the remote command. The user's own config still counts (ProxyJump, HostName), but not
 * where it would weaken this: options given here come first, and ssh takes the first it finds.
 * Throws `ssh_failed` for a name that ssh would read as an option.
 */
export function sshArguments(declaration: SshDeclaration, controlFolder: string, key: string): string[] {
  const { ssh, user, port, identity, knownHosts } = declaration;
  for (const name of [ssh, user ?? "user"])
    if (!/^[A-Za-z0-9_:][\w.:%@\\-]*\$?$/.test(name))
      throw new StewardError("ssh_failed", `'${name.slice(0, 60)}' is no name of a host or user`);
  const options: Record<string, string> = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    UpdateHostKeys: "no",
    ConnectTimeout: "10",
    ServerAliveInterval: "5",
    ServerAliveCountMax: "3",
    ControlMaster: "auto",
    ControlPath: asFile(join(controlFolder, key)),
    ControlPersist: "60",
    ForwardAgent: "no",
    ForwardX11: "no",
    ClearAllForwardings: "yes",
    PermitLocalCommand: "no",
    RemoteCommand: "none",
    LogLevel: "ERROR",
    ...(knownHosts === undefined ? {} : { UserKnownHostsFile: asFile(knownHosts) }),
    ...(identity === undefined ? {} : { IdentitiesOnly: "yes", IdentityFile: asFile(identity) }),
  };
  return [
    "-T",
    "-e",
    "none",
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    "--",
    ssh,
  ];
}

export function sshEnvironment(from: Record<string, string | undefined>): Record<string, string> {
  const kept: Record<string, string> = { PATH: "/usr/local/bin:/usr/bin:/bin" };
  for (const name of INHERITED) if (from[name]) kept[name] = from[name];
  return kept;
}

/** Where the sockets of shared connections lie. */
export interface ControlFolder {
  path: string;
  remove(): void;
}

/** A folder of this process alone, short enough for the paths of its sockets. */
export function openControlFolder(): ControlFolder {
  const name = "steward-ssh-";
  const longest = `${tmpdir()}/${name}XXXXXX`.length + SOCKET_NAME + SOCKET_SUFFIX;
  // mkdtemp makes it for its owner alone
  const path = mkdtempSync(join(longest > SOCKET_PATH_LIMIT ? "/tmp" : tmpdir(), name));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A path as ssh reads it in an option: its percent signs doubled, in quotes for its spaces. */
function asFile(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`;
}
