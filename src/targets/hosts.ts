import type { Redact } from "../redact.ts";
import { type Host, localHost } from "./host.ts";
import { type SshHost, sshHost } from "./ssh-host.ts";
import { type ControlFolder, openControlFolder, type SshDeclaration } from "./ssh-options.ts";

/** The hosts of one Steward process; each is made once, so that its connection is shared. */
export interface Hosts {
  /** Steward's own machine */
  here: Host;
  /** Where a service of that declaration runs. */
  of(declaration: "local" | SshDeclaration): Host;
  /** Ends the shared connections. */
  close(): Promise<void>;
}

export function openHosts(options: {
  redact: Redact;
  environment: Record<string, string | undefined>;
}): Hosts {
  const here = localHost(options);
  const reached = new Map<string, SshHost>();
  let control: ControlFolder | undefined;
  return {
    here,
    of(declaration) {
      if (declaration === "local") return here;
      const key = JSON.stringify(declaration);
      const known = reached.get(key);
      if (known) return known;
      control ??= openControlFolder();
      const host = sshHost(declaration, { ...options, controlFolder: control.path });
      reached.set(key, host);
      return host;
    },
    async close() {
      await Promise.all([...reached.values()].map((host) => host.close()));
      control?.remove();
    },
  };
}
