import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("docs/errors.md", () => {
  const documented = [...read("docs/errors.md").matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]!);
  const known = codesInSources();

  it("finds the codes at all", () => {
    expect(known.size).toBeGreaterThan(50);
    for (const code of ["config_invalid", "writes_since_backup", "rejected", "http_timeout"])
      expect(known.has(code)).toBe(true);
  });

  it("explains every code that the sources have", () => {
    expect([...known].filter((code) => !documented.includes(code)).sort()).toEqual([]);
  });

  it("explains no code that no longer exists, and none twice", () => {
    expect(documented.filter((code) => !known.has(code))).toEqual([]);
    expect(documented.filter((code, index) => documented.indexOf(code) !== index)).toEqual([]);
  });
});

describe("the documents", () => {
  const documents = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/errors.md",
    "docs/operating.md",
    "docs/runbooks.md",
  ];

  it.each(documents)("%s names only files that are there", (document) => {
    // the screenshot is made by the end-to-end test
    const made = ["docs/sandbox.png"];
    const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map((match) => match[1]!);
    const named = [...read(document).matchAll(/`((?:src|test|docs|bin)\/[\w./-]+\.\w+)`/g)].map(
      (match) => match[1]!,
    );
    const folder = document.includes("/") ? "docs" : "";
    const paths = [...links.map((link) => join(folder, link)), ...named];
    expect(paths.filter((path) => !made.includes(path) && !isThere(path))).toEqual([]);
  });

  it("README.md knows every command of the terminal and every variable of the environment", () => {
    const readme = read("README.md");
    for (const command of ["start", "doctor", "init", "help", "version"])
      expect(readme).toContain(`steward ${command}`);
    const variables = [...read("src/config.ts").matchAll(/variables\.([A-Z_]+)|port\("([A-Z_]+)"/g)].map(
      (match) => match[1] ?? match[2]!,
    );
    expect(variables.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });
});

/**
 * Every code that a person may meet: given to an error that is made, by hand or through a little function that
 * makes it, or written into a record of one.
 */
function codesInSources(): Set<string> {
  const codes = new Set<string>();
  const add = (text: string, pattern: RegExp) => {
    for (const match of text.matchAll(pattern)) codes.add(match[1]!);
  };
  for (const path of sources()) {
    const text = read(path);
    add(text, /\bnew (?:StewardError|NeedsDecision)\(\s*"(\w+)"/g);
    for (const [, maker] of text.matchAll(
      /\b(\w+) = \((\w+): string[^)]*\)[^=]*=>\s*new StewardError\(\s*\2\b/g,
    ))
      add(text, new RegExp(`\\b${maker}\\(\\s*"(\\w+)"`, "g"));
    // a problem of the config's schema has a code of the validator's
    add(text, /(?<!addIssue\(\{ )\bcode: "(\w+)",\s+message\b/g);
  }
  return codes;
}

function sources(): string[] {
  return readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

function isThere(path: string): boolean {
  try {
    readFileSync(join(ROOT, path));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EISDIR";
  }
}
