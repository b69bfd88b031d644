import { createRedact } from "../redact.ts";
import { type Command, readOptions } from "./command.ts";
import { examine } from "./doctor/examine.ts";
import { presentFindings } from "./doctor/present.ts";

export const doctor: Command = {
  name: "doctor",
  usage: "doctor [--json]",
  help: "Looks at all that Steward needs: config, Slack, database, services. Changes nothing.",
  async run(args, terminal) {
    const { json } = readOptions(doctor, args, { json: { type: "boolean" } });
    const { findings, secrets } = await examine();
    const redact = createRedact(secrets);
    terminal.write(redact(json ? `${JSON.stringify(findings, null, 2)}\n` : presentFindings(findings)));
    return findings.some((finding) => finding.state === "problem") ? 1 : 0;
  },
};
