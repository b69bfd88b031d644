import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedact } from "../../src/redact.ts";
import {
  checkoutCommands,
  commitsBetween,
  fetchMirror,
  gitEnvironment,
  listVersions,
  type Repository,
  readCheckout,
  resolveVersion,
} from "../../src/targets/git.ts";
import { type Hosts, openHosts } from "../../src/targets/hosts.ts";
import { sshServer, type TestSshServer } from "../servers/sshd.ts";
import { declarationOf, sshShop } from "./ssh-shop.ts";

const run = promisify(execFile);
let server: TestSshServer;
let folder: string;
let hosts: Hosts;
let repository: Repository;

beforeAll(async () => {
  server = await sshServer();
  folder = await mkdtemp(join(tmpdir(), "steward-ssh-git-"));
  const { path, home } = await sshShop(server, folder);
  hosts = openHosts({ redact: createRedact([]), environment: { PATH: process.env.PATH, HOME: home } });
  repository = {
    host: hosts.of(declarationOf(server)),
    here: hosts.here,
    path,
    mirror: join(folder, "mirrors", "shop.git"),
    remote: "origin",
    tag: "v{version}",
  };
});
afterAll(async () => {
  await hosts.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("a checkout on a host over SSH", () => {
  it("is planned with a mirror here, and put at the exact commit from its own remote", async () => {
    await fetchMirror(repository);
    expect(await listVersions(repository)).toEqual(["1.1.0", "1.0.0"]);
    const before = await readCheckout(repository);
    expect(before).toMatchObject({ version: "1.0.0", dirty: [] });
    const commit = await resolveVersion(repository, "1.1.0");
    const { added } = await commitsBetween(repository, before.commit, commit);
    expect(added.map(({ subject }) => subject)).toEqual(["Release 1.1.0"]);
    const commands = checkoutCommands(repository, commit);
    expect(commands.flat().some((part) => part.includes("mirrors"))).toBe(false);
    for (const command of commands) {
      const result = await repository.host.run(command, {
        timeoutMs: 20_000,
        env: gitEnvironment(repository),
      });
      expect(result).toMatchObject({ exitCode: 0, output: "" });
    }
    expect(await readCheckout(repository)).toMatchObject({ commit, version: "1.1.0" });
    expect(await readFile(join(repository.path, "version"), "utf8")).toBe("1.1.0");
  });

  it.each(["/srv/origin.git", "../origin", "file:///srv/origin.git"])(
    "whose remote is the path %s of that host is refused, and why is said",
    async (url) => {
      await run("git", ["-C", repository.path, "remote", "add", "beside", url]);
      await expect(fetchMirror({ ...repository, remote: "beside" })).rejects.toMatchObject({
        code: "git_failed",
        message: expect.stringContaining("cannot be fetched from here"),
        hint: expect.stringContaining("ssh://"),
      });
      await run("git", ["-C", repository.path, "remote", "remove", "beside"]);
    },
  );
});
