/**
 * Holds the rules by which the house is built: which folder may import which, which package belongs where,
 * who may touch the process. The table below is the design; a change of it is a change of the design.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const LONGEST_FILE = 300;

/** What each folder may import of ours, besides itself. Types of config are free everywhere. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  errors: [],
  config: ["errors"],
  targets: ["errors"],
  journal: ["errors"],
  incidents: ["journal", "targets", "errors"],
  tasks: ["incidents", "journal", "targets", "errors"],
  runbooks: ["incidents", "journal", "targets", "errors"],
  bot: ["tasks", "runbooks", "incidents", "journal", "errors"],
  sandbox: ["targets", "config", "errors"],
  // a team's own runbooks, checks and tasks are put beside ours
  plugins: ["types", "tasks", "runbooks", "config", "errors"],
  types: ["tasks", "runbooks", "journal", "config", "errors"],
  // the wiring, which main starts and stops
  steward: ["bot", "tasks", "runbooks", "incidents", "journal", "targets", "config", "errors"],
  main: [
    "steward",
    "plugins",
    "bot",
    "tasks",
    "runbooks",
    "incidents",
    "journal",
    "targets",
    "config",
    "errors",
  ],
  cli: ["main", "plugins", "bot", "tasks", "runbooks", "incidents", "journal", "targets", "config", "errors"],
};

/** Pure questions about a declaration: no file, no environment, no schema is read by asking them. */
const FREE_QUESTIONS = ["findService", "hasRole"];

/** Files that rank as `errors`: they know nothing of the rest of the house. */
const BOTTOM = ["errors.ts", "redact.ts", "log.ts"];

/** Packages that belong to some folders alone. */
const OWNED: { packages: RegExp; by: string; holds(file: SourceFile, imported: Import): boolean }[] = [
  {
    packages: /^@slack\//,
    by: "src/bot; only types of it in src/sandbox/slack",
    holds: ({ unit, path }, { typeOnly }) =>
      unit === "bot" || (typeOnly && path.startsWith("src/sandbox/slack/")),
  },
  {
    packages: /^pg$/,
    by: "src/journal and src/targets",
    holds: ({ unit }) => unit === "journal" || unit === "targets",
  },
  { packages: /^pg-boss$/, by: "src/journal", holds: ({ unit }) => unit === "journal" },
  { packages: /^execa$/, by: "src/targets", holds: ({ unit }) => unit === "targets" },
];

/** The journal's tables are read and written by the journal alone; the names are those of its migrations. */
const tables = [
  ...new Set(
    sourcesUnder("src/journal/migrations", /\.sql$/).flatMap((file) =>
      [...readText(file).matchAll(/create table (?:if not exists )?(?:steward\.)?(\w+)/gi)].map(
        (match) => match[1]!,
      ),
    ),
  ),
];

interface Import {
  /** a file of ours from the root, or the name of a package */
  target: string;
  ours: boolean;
  typeOnly: boolean;
  names: string[];
}
interface SourceFile {
  path: string;
  unit: string;
  text: string;
  imports: Import[];
}

const files = sourcesUnder("src", /\.ts$/).map(readSource);

describe("the import table", () => {
  it("sees the house at all", () => {
    expect(files.length).toBeGreaterThan(40);
    expect(files.flatMap((file) => file.imports).length).toBeGreaterThan(100);
    expect(tables.length).toBeGreaterThan(5);
  });

  it("knows every folder", () => {
    expect(files.map((file) => file.unit).filter((unit) => !(unit in MAY_IMPORT))).toEqual([]);
  });

  it("is kept by every file", () => {
    expect(
      files.flatMap((file) => file.imports.filter((found) => !isAllowed(file, found)).map(said(file))),
    ).toEqual([]);
  });

  it("has no way round in a circle", () => {
    expect(findCircles(files)).toEqual([]);
  });
});

describe("packages", () => {
  it.each(OWNED)("$packages is imported only by $by", ({ packages, holds }) => {
    const strangers = files.flatMap((file) =>
      file.imports
        .filter((found) => !found.ours && packages.test(found.target) && !holds(file, found))
        .map(said(file)),
    );
    expect(strangers).toEqual([]);
  });
});

describe("the process", () => {
  it("gives its environment to src/config.ts alone", () => {
    expect(filesWith(/\bprocess\.env\b/)).toEqual(["src/config.ts"]);
  });

  it("is ended by src/main.ts and the cli alone", () => {
    const ending = filesWith(/\bprocess\.exit\(/).filter((path) => path !== "src/main.ts");
    expect(ending.filter((path) => path !== "src/cli.ts" && !path.startsWith("src/cli/"))).toEqual([]);
  });
});

describe("files", () => {
  it(`have at most ${LONGEST_FILE} lines`, () => {
    const long = files.filter((file) => file.text.trimEnd().split("\n").length > LONGEST_FILE);
    expect(long.map((file) => `${file.path}: ${file.text.trimEnd().split("\n").length}`)).toEqual([]);
  });

  it("leave the SQL on our tables to the journal", () => {
    const sql = new RegExp(
      `\\b(?:from|join|insert into|update|delete from)\\s+(?:steward\\.)?(?:${tables.join("|")})\\b(?=[\\s\`"')])`,
    );
    // a sentence has such words too: SQL says more than that
    const more = /\b(?:select|values|set|where|returning|delete from)\b/;
    const strangers = files
      .filter((file) => file.unit !== "journal" && !file.path.startsWith("src/sandbox/demo/"))
      .flatMap((file) =>
        strings(file.text)
          .filter((text) => sql.test(text) && more.test(text))
          .map((text) => `${file.path}: ${text.slice(0, 60)}`),
      );
    expect(strangers).toEqual([]);
  });
});

function isAllowed(file: SourceFile, imported: Import): boolean {
  if (!imported.ours) return true;
  const to = unitOf(imported.target);
  if (to === "sandbox") return file.unit === "sandbox";
  if (file.unit === "sandbox" && to === "journal") return imported.target.startsWith("src/journal/embedded");
  if (to === file.unit) return true;
  if (to === "config" && file.unit !== "errors") {
    if (imported.typeOnly || imported.names.every((name) => FREE_QUESTIONS.includes(name))) return true;
  }
  return MAY_IMPORT[file.unit]?.includes(to) ?? false;
}

/** Circles among files by imports of values; types vanish before anything runs. */
function findCircles(all: SourceFile[]): string[] {
  const byPath = new Map(all.map((file) => [file.path, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: string[]): void => {
    if (way.includes(path)) {
      circles.push([...way.slice(way.indexOf(path)), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const found of byPath.get(path)?.imports ?? [])
      if (found.ours && !found.typeOnly) visit(found.target, [...way, path]);
    done.add(path);
  };
  for (const file of all) visit(file.path, []);
  return circles;
}

function filesWith(pattern: RegExp): string[] {
  return files.filter((file) => pattern.test(withoutComments(file.text))).map((file) => file.path);
}

function said(file: SourceFile): (found: Import) => string {
  return (found) =>
    `${file.path} imports ${found.typeOnly ? "types of " : ""}${found.target} (${found.names.join(", ")})`;
}

function readSource(path: string): SourceFile {
  const text = readText(path);
  return { path, unit: unitOf(path), text, imports: readImports(path, withoutComments(text)) };
}

function readImports(path: string, text: string): Import[] {
  const statements = [
    ...text.matchAll(/^[ \t]*(?:import|export)\s+(type\s+)?([^;"'()]*?)\s*from\s*["']([^"']+)["']/gm),
    ...[...text.matchAll(/^[ \t]*import\s*()()["']([^"']+)["']/gm)],
    ...[...text.matchAll(/\bimport\(\s*()()["']([^"']+)["']/g)],
  ];
  return statements.map(([, type, clause = "", target = ""]) => {
    const listed = /\{([^}]*)\}/
      .exec(clause)?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    const others = clause
      .replace(/\{[^}]*\}/, "")
      .replaceAll(",", "")
      .trim();
    const ours = target.startsWith(".");
    return {
      target: ours ? normalize(join(dirname(path), target)) : target,
      ours,
      typeOnly:
        Boolean(type) ||
        (others === "" && Boolean(listed?.length) && listed!.every((name) => name.startsWith("type "))),
      names: [...(others ? [others] : []), ...(listed ?? [])].filter(
        (name) => !name.startsWith("type ") || listed!.length === 1,
      ),
    };
  });
}

/** `src/bot/app.ts` → bot, `src/config/schema.ts` and `src/config.ts` → config. */
function unitOf(path: string): string {
  const [, first = ""] = path.split("/");
  return BOTTOM.includes(first) ? "errors" : first.replace(/\.ts$/, "");
}

/** Comments may speak of what code may not do. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function strings(text: string): string[] {
  return [...withoutComments(text).matchAll(/`[^`]*`|"(?:[^"\\\n]|\\.)*"/g)].map((match) => match[0]);
}

function sourcesUnder(folder: string, name: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith("src/sandbox/demo/shop/"))
    .sort();
}

function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
