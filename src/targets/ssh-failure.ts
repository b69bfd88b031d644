import { StewardError } from "../errors.ts";

/** ssh's own words, and what they ask of a person. */
const HINTS: readonly [RegExp, string][] = [
  [
    /host key verification failed|host key is known|identification has changed/i,
    "Its key is not in the known hosts, or has changed. Compare its fingerprint with the host's own, then add it (`ssh-keyscan`).",
  ],
  [
    /permission denied|too many authentication failures/i,
    "Put Steward's public key into that user's authorized_keys, or name the right user and identity in steward.yml.",
  ],
  [/could not resolve/i, "Check the host's name in steward.yml."],
  [
    /refused|timed out|no route|unreachable|no answer|reset by/i,
    "Check that the host is up and sshd answers.",
  ],
];

/** Why a host cannot be worked on, with the last line that ssh or the host said. */
export function sshFailure(name: string, said: string): StewardError {
  const lines = said
    .replaceAll("\r", "")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const hint = HINTS.find(([pattern]) => lines.some((line) => pattern.test(line)))?.[1];
  return new StewardError(
    "ssh_failed",
    `${name} cannot be worked on: ${(lines.at(-1) ?? "ssh ended without a word").slice(0, 300)}`,
    { hint: hint ?? "Try `ssh` by hand as the user that Steward runs as." },
  );
}
