import { type Command, readOptions } from "./command.ts";
import { examine } from "./doctor/examine.ts";
import type { Finding } from "./doctor/finding.ts";
import { presentFindings } from "./doctor/present.ts";

export const doctor: Command = {
  name: "doctor",
  usage: "doctor [--json]",
  help: "Looks at all that Steward needs: config, Slack, database, services. Changes nothing.",
  async run(args, terminal) {
    const { json } = readOptions(doctor, args, { json: { type: "boolean" } });
    const { findings, secrets } = await examine();
    const shown = findings.map((finding) => withoutSecrets(finding, secrets));
    terminal.write(json ? `${JSON.stringify(shown, null, 2)}\n` : presentFindings(shown));
    return findings.some((finding) => finding.state === "problem") ? 1 : 0;
  },
};

/**
 * Known secrets only: what looks like one was hidden where foreign words came in, and here `SLACK_APP_TOKEN: not
 * set` would look like one, too.
 */
function withoutSecrets(finding: Finding, secrets: Set<string>): Finding {
  const hide = (text: string) =>
    [...secrets]
      .filter((secret) => secret.length >= 4)
      .reduce((shown, secret) => shown.replaceAll(secret, "[redacted]"), text);
  return {
    ...finding,
    found: hide(finding.found),
    advice: finding.advice === null ? null : hide(finding.advice),
  };
}
