import { StewardError } from "../../errors.ts";
import { measurePostgres } from "../../targets/postgres.ts";

/** How the config names the database, and what was found there. */
export interface DatabaseFacts {
  /** a URL without a password, or the variable that holds one */
  url: string | { env: string };
  /** the variable that has to be set before Steward starts; undefined when it is set, or none is needed */
  variable: string | undefined;
  found: string;
}

const TIMEOUT_MS = 5_000;

/**
 * Looks at the database. A URL with a password is used for that and not written: the config then names a
 * variable. Throws `bad_usage` for what is neither a URL of Postgres nor `env:NAME`.
 */
export async function lookAtDatabase(
  typed: string,
  service: string,
  variables: Record<string, string | undefined>,
): Promise<DatabaseFacts> {
  const named = /^env:([A-Za-z_]\w*)$/.exec(typed)?.[1];
  if (named !== undefined) {
    const value = variables[named];
    return {
      url: { env: named },
      variable: value ? undefined : named,
      found: value ? await lookOnce(value) : `${named} is not set, so the database was not looked at`,
    };
  }
  if (!/^postgres(ql)?:\/\//i.test(typed)) {
    throw new StewardError("bad_usage", "--database wants a URL that begins with postgres://, or env:NAME", {
      hint: "env:NAME names the environment variable that holds the URL: no password in the config.",
    });
  }
  const found = await lookOnce(typed);
  if (!/:\/\/[^@?]*:[^@?]*@/.test(typed)) return { url: typed, variable: undefined, found };
  const variable = `${service.toUpperCase().replaceAll("-", "_")}_DATABASE_URL`;
  return { url: { env: variable }, variable, found };
}

async function lookOnce(url: string): Promise<string> {
  try {
    const { version, connections, maxConnections } = await measurePostgres(url, TIMEOUT_MS);
    const role = /:\/\/([^:@/]+)(?::[^@]*)?@/.exec(url)?.[1];
    return `Postgres ${version}${role ? `, role ${decodeURIComponent(role)}` : ""}, ${connections} of ${maxConnections} connections in use`;
  } catch (error) {
    return (error as Error).message;
  }
}
