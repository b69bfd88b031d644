import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A small service that answers on loopback. */
export async function serve(answers: Record<string, { status?: number; body: string }>) {
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    response.writeHead(answer ? (answer.status ?? 200) : 404).end(answer?.body ?? "not here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A repository with these tags and files, and a checkout of it that stands at the last one. */
export async function checkout(
  folder: string,
  tags: string[],
  files: Record<string, string> = {},
): Promise<string> {
  const [origin, path] = [join(folder, "origin"), join(folder, "shop")];
  const git = (...args: string[]) =>
    run("git", [
      "-c",
      "user.name=Test",
      "-c",
      "user.email=test@example.com",
      "-c",
      "init.defaultBranch=main",
      ...args,
    ]);
  await git("init", "--quiet", origin);
  for (const [name, text] of Object.entries({ "README.md": "shop\n", ...files })) {
    await mkdir(join(origin, name, ".."), { recursive: true });
    await writeFile(join(origin, name), text);
  }
  await git("-C", origin, "add", "--all");
  await git("-C", origin, "commit", "--quiet", "--message", "Begin");
  for (const tag of tags) {
    await git("-C", origin, "commit", "--quiet", "--allow-empty", "--message", tag);
    await git("-C", origin, "tag", tag);
  }
  await git("clone", "--quiet", origin, path);
  return path;
}
