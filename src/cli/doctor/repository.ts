import type { Service } from "../../config.ts";
import { readCheckout } from "../../targets/git.ts";
import type { Host } from "../../targets/host.ts";
import { type Finding, ok, problem, problemOf, warning } from "./finding.ts";

const ANSWER_MS = 20_000;

/** The service's checkout, and whether its remote answers with releases. */
export async function examineRepository(service: Service, host: Host): Promise<Finding[]> {
  if (!service.repository) return [];
  const check = `${service.id} repository`;
  const { path, remote, tag } = service.repository;
  let standing: string;
  try {
    // the mirror is not needed to look at the checkout
    const { commit, version, dirty } = await readCheckout({ host, path, remote, tag, mirror: path });
    standing = `${path} at ${version ?? commit.slice(0, 12)}`;
    if (dirty.length > 0)
      return [
        warning(
          check,
          `${standing}, with changes that are not committed: ${dirty.slice(0, 3).join(", ")}`,
          "Commit or discard them: an update refuses to overwrite them.",
        ),
      ];
  } catch (error) {
    return [problemOf(check, error)];
  }
  const listed = await host.run(
    ["git", "-c", `safe.directory=${path}`, "-C", path, "ls-remote", "--tags", "--refs", "--", remote],
    {
      timeoutMs: ANSWER_MS,
      env: { GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" },
      outputLimit: 1 << 20,
    },
  );
  if (listed.exitCode !== 0) {
    const said = listed.timedOut
      ? `no answer within ${ANSWER_MS / 1000} s`
      : listed.output.trim().split("\n")[0];
    return [
      problem(
        check,
        `${standing}; remote ${remote}: ${said}`,
        "Make the remote reachable for this user without a password being asked.",
      ),
    ];
  }
  const count = releasesIn(listed.output, tag);
  return [
    count > 0
      ? ok(check, `${standing}; ${count} releases tagged ${tag}`)
      : warning(
          check,
          `${standing}; no tag like ${tag} in remote ${remote}`,
          "Set repository.tag to the pattern of your releases: there is nothing to update to.",
        ),
  ];
}

function releasesIn(listing: string, pattern: string): number {
  const [before, after] = pattern.split("{version}") as [string, string];
  return listing.split("\n").filter((line) => {
    const name = line.split("refs/tags/")[1] ?? "";
    return name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after);
  }).length;
}
