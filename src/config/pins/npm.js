/** Sets one package of the package.json in this folder to an exact version, in its lock file too. Installs nothing. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const [name, version] = process.argv.slice(2);
if (!name || !version) {
  process.stderr.write("usage: npm.js PACKAGE VERSION\n");
  process.exit(2);
}
const { devDependencies = {} } = JSON.parse(readFileSync("package.json", "utf8"));
const { status } = spawnSync(
  "npm",
  [
    "install",
    "--package-lock-only",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--save-exact",
    name in devDependencies ? "--save-dev" : "--save-prod",
    "--",
    `${name}@${version}`,
  ],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
