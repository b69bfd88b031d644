import type { Db } from "./database.ts";

export interface Lease {
  name: string;
  token: number;
}

/**
 * Takes or renews a lease for `holder`. Undefined while somebody else holds it.
 * The token grows whenever the lease changes hands, and stays when it is renewed.
 */
export async function takeLease(
  db: Db,
  name: string,
  holder: string,
  forMs: number,
): Promise<Lease | undefined> {
  const result = await db.query<{ token: number }>(
    `insert into leases (name, holder, until) values ($1, $2, now() + $3 * interval '1 millisecond')
     on conflict (name) do update set
       token = leases.token + case when leases.holder = $2 then 0 else 1 end,
       holder = $2, until = excluded.until
     where leases.holder = $2 or leases.until < now()
     returning token`,
    [name, holder, forMs],
  );
  const row = result.rows[0];
  return row ? { name, token: row.token } : undefined;
}

/** Lets go at once, so that the next holder need not wait for the end of the term. */
export async function dropLease(db: Db, name: string, holder: string): Promise<void> {
  await db.query("update leases set until = now() - interval '1 second' where name = $1 and holder = $2", [
    name,
    holder,
  ]);
}

/** Holders with a lease of this prefix in force, for sharing work out evenly. */
export async function countHolders(db: Db, prefix: string): Promise<{ holder: string; count: number }[]> {
  const result = await db.query<{ holder: string; count: number }>(
    "select holder, count(*)::int as count from leases where starts_with(name, $1) and until >= now() group by holder",
    [prefix],
  );
  return result.rows;
}
