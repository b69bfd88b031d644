import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Service } from "../../src/config.ts";
import type { Run } from "../../src/journal/types.ts";
import { openShops, type Shop, type Shops } from "./shops.ts";

const runFile = promisify(execFile);
let shops: Shops;
let shop: Shop;
beforeAll(async () => {
  shops = await openShops();
  shop = await shops.shop();
});
afterAll(() => shops.close());

const service = (): Service => shops.context.config.services.find(({ id }) => id === shop.id)!;

/** How an update of this version is planned; nobody is asked to approve it. */
async function planned(version?: string): Promise<Run> {
  const id = await shop.ask("update", version);
  const run = await shops.until(id, ["awaiting_approval", "void"]);
  await shops.context.journal.query("update runs set state = 'cancelled' where id = $1 and state <> 'void'", [
    id,
  ]);
  return run;
}

test("a tag has to be signed by a key that is trusted, where signed tags are wanted", async () => {
  const key = async (name: string) => {
    const file = join(shop.repository.folder, name);
    await runFile("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    return file;
  };
  const [ours, theirs] = [await key("ours"), await key("theirs")];
  const signers = join(shop.repository.folder, "signers");
  await writeFile(signers, `release@example.com ${await readFile(`${ours}.pub`, "utf8")}`);
  const sign = (by: string) =>
    shop.repository.git(
      ...["-c", "gpg.format=ssh", "-c", `user.signingkey=${by}`, "-c", "user.email=release@example.com"],
      ...["tag", "--force", "--sign", "--message", "2.0.1", "v2.0.1", "v2.0.1^{}"],
    );
  service().repository!.signed = true;
  service().repository!.signers = signers;
  expect((await planned("2.0.1")).error).toMatchObject({ code: "tag_unsigned" });
  await sign(theirs);
  expect((await planned("2.0.1")).error).toMatchObject({ code: "tag_unsigned" });
  await sign(ours);
  expect(await planned("2.0.1")).toMatchObject({ state: "awaiting_approval", error: null });
  service().repository!.signed = false;
});

test("there has to be room for the new version and for its backup", async () => {
  service().preflight.disk = 1e15;
  expect((await planned("2.0.1")).error).toMatchObject({
    code: "disk_short",
    message: expect.stringMatching(/GB are free at .*; wanted: 1000000.0 GB/),
  });
  service().preflight.disk = 1;
});

test("a service may want a backup that was proven lately", async () => {
  service().preflight.proof = 3_600_000;
  expect((await planned("2.0.1")).error).toMatchObject({
    code: "backup_unproven",
    message: expect.stringContaining("was ever restored"),
  });
  const manifest = { parts: [], rows: {} };
  await shops.context.journal.query(
    "insert into backups (service, location, manifest, bytes, verified_at) values ($1, 'x', $2, 1, now() - interval '2 hours')",
    [shop.id, manifest],
  );
  expect((await planned("2.0.1")).error).toMatchObject({
    code: "backup_unproven",
    message: expect.stringContaining("2 h old; allowed: 60 min"),
  });
  await shops.context.journal.query("update backups set verified_at = now() where service = $1", [shop.id]);
  expect((await planned("2.0.1")).plan!.context.backup).toContain("restored to prove it 0 min ago");
  service().preflight.proof = undefined;
});

test("a version looks as the service says, the whole of it", async () => {
  service().repository!.version = "\\d+\\.\\d+";
  expect((await planned("2.0.1")).error).toMatchObject({ code: "bad_version" });
  service().repository!.version = "\\d+\\.\\d+\\.\\d+";
  expect((await planned("2.0.1")).state).toBe("awaiting_approval");
  service().repository!.version = undefined;
});

test("without a version the newest release is meant, not one that comes before a release", async () => {
  await shop.repository.commit("Candidate", { "release.json": '{"version":"9.0.0-rc.1"}' }, "v9.0.0-rc.1");
  expect((await planned()).plan!.to).toBe("2.4.0");
  expect((await planned("9.0.0-rc.1")).plan!.to).toBe("9.0.0-rc.1");
});
