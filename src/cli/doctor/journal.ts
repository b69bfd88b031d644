import type { Environment } from "../../config.ts";
import { systemFolders } from "../../journal/embedded-binaries.ts";
import { inspectJournal } from "../../journal/inspect.ts";
import { type Finding, ok, problem, problemOf, warning } from "./finding.ts";

const OLDEST_MAJOR = 15;

/** The database that holds the journal: there, new enough, and ours to write. */
export async function examineJournal({ databaseUrl, home }: Environment): Promise<Finding[]> {
  if (databaseUrl === undefined) return [await examineEmbedded(home)];
  try {
    const { major, pending, applied, mayCreate } = await inspectJournal(databaseUrl);
    if (major < OLDEST_MAJOR)
      return [
        problem("Journal", `Postgres ${major}`, `Use Postgres ${OLDEST_MAJOR} or newer for DATABASE_URL.`),
      ];
    if (applied === 0 && !mayCreate) {
      const advice = "Let DATABASE_URL's role create a schema: grant create on database NAME to ROLE.";
      return [problem("Journal", "the role may not create the schema `steward`", advice)];
    }
    const schema =
      pending === 0
        ? "schema up to date"
        : applied === 0
          ? "schema will be made at start"
          : `${pending} migrations will be applied at start`;
    return [ok("Journal", `Postgres ${major}, ${schema}`)];
  } catch (error) {
    return [problemOf("Journal", error, "Check DATABASE_URL and that the server is up.")];
  }
}

async function examineEmbedded(home: string): Promise<Finding> {
  const where = `no DATABASE_URL: a Postgres of Steward's own in ${home}`;
  return (await systemFolders()).length > 0
    ? ok("Journal", where)
    : warning(
        "Journal",
        `${where}, from the npm package`,
        "Install Postgres 15 or newer, or set DATABASE_URL: without pg_dump there are no backups.",
      );
}
