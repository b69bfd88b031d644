import { createInterface } from "node:readline/promises";
import type { Terminal } from "../command.ts";

/** What a person says of the service; the same as init's options. */
export interface Answers {
  url?: string | undefined;
  database?: string | undefined;
  repository?: string | undefined;
  name?: string | undefined;
}

/** Asks for what was not given as an option; an empty answer leaves it out. */
export async function askAll(given: Answers, terminal: Terminal): Promise<Answers> {
  const lines = createInterface({ input: terminal.input, output: terminal.output });
  const ask = async (known: string | undefined, question: string) =>
    known ?? ((await lines.question(`${question}\n> `)).trim() || undefined);
  try {
    const url = await ask(
      given.url,
      "Which URL tells whether the service is well? (http://localhost:8000/health)",
    );
    const repository = await ask(given.repository, "In which folder is its git checkout? (empty: none)");
    const database = await ask(
      given.database,
      "Which variable holds the URL of its Postgres? (env:SHOP_DATABASE_URL; empty: none)",
    );
    const name = await ask(given.name, "What is it called? (empty: taken from the folder or the URL)");
    return { url, repository, database, name };
  } finally {
    lines.close();
  }
}
