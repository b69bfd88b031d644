/** Connection URLs as Postgres' own programs and `pg` read them; not by `URL`, which refuses a socket's empty host. */

/** The role and the database that a URL names: in their usual places, or as parameters. */
export function parseUrl(url: string): { user: string; database: string } {
  const parts = /^[a-z]+:\/\/(?:([^:@/]*)(?::[^@]*)?@)?[^/?]*(?:\/([^?]*))?/i.exec(url);
  const user = decodeURIComponent(parts?.[1] ?? "") || parameter(url, "user");
  return { user, database: decodeURIComponent(parts?.[2] ?? "") || parameter(url, "dbname") || user };
}

/** The same server and role, another database. */
export function urlFor(url: string, database: string): string {
  const parts = /^([a-z]+:\/\/[^/?]*)(?:\/[^?]*)?(?:\?(.*))?$/i.exec(url);
  if (!parts) return url;
  const rest = (parts[2] ?? "").split("&").filter((pair) => pair && !pair.startsWith("dbname="));
  return `${parts[1]}/${encodeURIComponent(database)}${rest.length ? `?${rest.join("&")}` : ""}`;
}

/** Command lines are seen by every user of a machine: the password goes by the environment. */
export function splitPassword(url: string): { shown: string; env: Record<string, string> } {
  const [address = "", query] = url.split("?", 2);
  const parts = /^([a-z]+:\/\/[^:@/]*):([^@/]*)@(.*)$/i.exec(address);
  const pairs = query?.split("&") ?? [];
  const given = pairs.find((pair) => pair.startsWith("password="))?.slice("password=".length) ?? parts?.[2];
  const rest = pairs.filter((pair) => !pair.startsWith("password="));
  return {
    shown: `${parts ? `${parts[1]}@${parts[3]}` : address}${rest.length ? `?${rest.join("&")}` : ""}`,
    env: given === undefined ? {} : { PGPASSWORD: decodeURIComponent(given) },
  };
}

function parameter(url: string, name: string): string {
  const pair = url
    .split("?", 2)[1]
    ?.split("&")
    .find((candidate) => candidate.startsWith(`${name}=`));
  return decodeURIComponent(pair?.slice(name.length + 1) ?? "");
}
