/** Sets one package of the requirements.txt in this folder to an exact version; one that is not there is added. */
import { readFileSync, writeFileSync } from "node:fs";

const [name, version] = process.argv.slice(2);
if (!name || !version) {
  process.stderr.write("usage: pip.js PACKAGE VERSION\n");
  process.exit(2);
}
/** As pip compares names: without regard to case, and - _ . are the same. */
const same = (text) => text.toLowerCase().replace(/[-_.]+/g, "-");
const lines = readFileSync("requirements.txt", "utf8").trimEnd().split("\n");
let found = false;
const pinned = lines.map((line) => {
  const match = /^\s*([A-Za-z0-9][\w.-]*)(\[[^\]]*\])?\s*(?:[<>=!~].*|;.*|#.*)?$/.exec(line);
  if (!match || same(match[1]) !== same(name)) return line;
  found = true;
  const marker = /;[^#]*/.exec(line)?.[0].trimEnd() ?? "";
  return `${match[1]}${match[2] ?? ""}==${version}${marker ? ` ${marker}` : ""}`;
});
if (!found) pinned.push(`${name}==${version}`);
writeFileSync("requirements.txt", `${pinned.filter((line, index) => line || index).join("\n")}\n`);
