import { StewardError } from "../errors.ts";
import { factsFrom, type HostFacts, parseCores, parseDf, parseMeminfo } from "./host-facts.ts";
import { askRemote } from "./ssh-process.ts";
import type { SshConnection } from "./ssh-session.ts";

/** The facts of an SSH host: of its /proc, and `df`. Throws `ssh_failed`, and `no_facts` where there is no /proc. */
export function sshFacts(connection: SshConnection): HostFacts {
  const read = async <T>(
    command: string[],
    parse: (text: string) => T | undefined,
    signal?: AbortSignal,
  ): Promise<T> => {
    const { exitCode, output } = await askRemote(connection, { command, env: { LC_ALL: "C" } }, signal);
    const found = exitCode === 0 ? parse(output) : undefined;
    if (found !== undefined) return found;
    const said = output.trim().split("\n").at(-1)?.slice(0, 200) || `exit code ${exitCode}`;
    throw new StewardError("no_facts", `${connection.name} does not tell: ${command.join(" ")}: ${said}`, {
      hint: "CPU and memory are read from /proc: declare other checks for a host that has none.",
    });
  };
  return factsFrom({
    cores: (signal) =>
      read(
        ["cat", "/proc/stat"],
        (text) => {
          const cores = parseCores(text);
          return cores.length > 0 ? cores : undefined;
        },
        signal,
      ),
    memory: () => read(["cat", "/proc/meminfo"], parseMeminfo),
    disk: (path) => read(["df", "-P", "-k", "--", path], parseDf),
  });
}
