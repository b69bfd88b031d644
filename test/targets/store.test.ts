import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkPart, fingerprint, openBackupFolder, writeManifest } from "../../src/targets/store.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "steward-store-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A part that spans several chunks of a read. */
const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251));

async function backup() {
  const folder = await openBackupFolder(root, "shop@staging", "run-7");
  const file = "database.dump";
  await writeFile(join(folder, file), CONTENT);
  return { folder, part: { file, ...(await fingerprint(join(folder, file))) } };
}

describe("the folder of a backup", () => {
  test("is readable by its owner alone, however open the umask is", async () => {
    const before = process.umask(0);
    try {
      const { folder } = await backup();
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
      await writeManifest(folder, {});
      expect((await stat(join(folder, "manifest.json"))).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  test("is empty when an interrupted backup is begun anew, and leaves other backups alone", async () => {
    await backup();
    const other = await openBackupFolder(root, "shop@staging", "run-8");
    await writeFile(join(other, "database.dump"), "kept");
    expect(await readdir(await openBackupFolder(root, "shop@staging", "run-7"))).toEqual([]);
    expect(await readdir(other)).toEqual(["database.dump"]);
  });
});

describe("the manifest", () => {
  test("is there whole or not at all: what is half written has another name", async () => {
    const { folder, part } = await backup();
    const manifest = { service: "shop", parts: [part], note: "ü".repeat(50_000) };
    const seen: string[] = [];
    let done = false;
    const watching = (async () => {
      while (!done) seen.push(await readFile(join(folder, "manifest.json"), "utf8").catch(() => ""));
    })();
    await writeManifest(folder, manifest);
    done = true;
    await watching;
    const whole = await readFile(join(folder, "manifest.json"), "utf8");
    expect(JSON.parse(whole)).toEqual(manifest);
    expect(seen.every((text) => text === "" || text === whole)).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(["database.dump", "manifest.json"]);
  });

  test("left half by a crash does not count as one, and the next takes its place", async () => {
    const { folder } = await backup();
    await writeFile(join(folder, "manifest.json.partial"), '{"service": "sh');
    await expect(stat(join(folder, "manifest.json"))).rejects.toMatchObject({ code: "ENOENT" });
    await writeManifest(folder, { service: "shop" });
    expect(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"))).toEqual({ service: "shop" });
  });
});

describe("a part", () => {
  test("that is byte for byte what was recorded is given out", async () => {
    const { folder, part } = await backup();
    expect(part).toMatchObject({
      bytes: CONTENT.length,
      sha256: createHash("sha256").update(CONTENT).digest("hex"),
    });
    expect(await checkPart(folder, part)).toBe(join(folder, "database.dump"));
  });

  test.each([0, 150_000, CONTENT.length - 1])("with the byte at %i flipped is damaged", async (at) => {
    const { folder, part } = await backup();
    const flipped = Buffer.from(CONTENT);
    flipped[at]! ^= 1;
    await writeFile(join(folder, part.file), flipped);
    await expect(checkPart(folder, part)).rejects.toMatchObject({
      code: "backup_damaged",
      message: expect.stringContaining("database.dump is not what the manifest says"),
    });
  });

  test.each([
    ["cut off", (file: string) => truncate(file, CONTENT.length - 1)],
    ["emptied", (file: string) => truncate(file, 0)],
    ["longer", (file: string) => writeFile(file, "x", { flag: "a" })],
    ["gone", (file: string) => rm(file)],
  ])("that is %s is damaged", async (_, harm) => {
    const { folder, part } = await backup();
    await harm(join(folder, part.file));
    await expect(checkPart(folder, part)).rejects.toMatchObject({ code: "backup_damaged" });
  });
});
