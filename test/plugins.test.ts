/** The example plugin, loaded as a config names it and run through the real engine; and plugins that are refused. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig, readEnvironment } from "../src/config.ts";
import { type Loaded, loadPlugins } from "../src/plugins.ts";
import { localHost } from "../src/targets/host.ts";
import { measureService } from "../src/tasks/checks/measure.ts";
import { taskNames } from "../src/tasks/index.ts";
import { type House, openHouse } from "./runbooks/house.ts";

const EXAMPLE = join(import.meta.dirname, "../examples/plugin/steward.yml");
const environmentOf = (configPath: string) => readEnvironment({ STEWARD_CONFIG: configPath });

let folder: string;
let loaded: Loaded;
let house: House;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "steward-plugin-"));
  loaded = await loadPlugins(environmentOf(EXAMPLE));
  await mkdir(join(folder, "cache"));
  await writeFile(join(folder, "cache/one"), "");
  house = await openHouse([...loaded.runbooks], {
    services: { shop: { repository: { path: folder } }, empty: { repository: { path: "/nowhere" } } },
  });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the example plugin", () => {
  it("adds its check and its task to what the config may speak of", async () => {
    const config = await loadConfig(environmentOf(EXAMPLE), loaded.units);
    expect(config.services[0]!.checks).toEqual([
      { type: "cache-size", folder: "/srv/shop/cache", warning: 500 },
    ]);
    expect(config.schedules.remind).toMatchObject({ at: "0 0 9 * * 1" });
    expect(taskNames()).toContain("remind");
  });

  it("has a runbook that is planned with its steps, approved and carried out like any other", async () => {
    const id = await house.ask("clear-cache");
    const planned = await house.until(id, ["awaiting_approval"]);
    expect(planned.plan!.steps).toMatchObject([
      {
        name: "put-aside",
        commands: [["mv", "--no-target-directory", join(folder, "cache"), expect.any(String)]],
      },
    ]);
    await house.approve(id);
    await house.until(id, ["succeeded"]);
    expect(await readdir(folder)).toEqual(["cache.aside"]);
    const missing = await house.ask("clear-cache", "empty");
    await house.approve(missing);
    expect((await house.until(missing, ["failed", "needs_decision"])).state).toBe("needs_decision");
  });

  it("has a check that measures, and reads unknown when it cannot", async () => {
    const [service] = house.context.config.services;
    const measured = async (path: string) =>
      (
        await measureService(
          { ...service!, checks: [{ type: "cache-size", folder: path, warning: 0 }] as never },
          { hostOf: () => localHost({ redact: (text) => text, environment: process.env }) },
        )
      )[0];
    expect(await measured(join(folder, "cache.aside"))).toMatchObject({
      state: "warning",
      summary: "cache 1 files > 0 (warning)",
    });
    expect(await measured("/nowhere")).toMatchObject({ state: "unknown" });
  });
});

describe("a plugin that cannot be used", () => {
  const refused = async (text: string) => {
    const own = await mkdtemp(join(folder, "bad-"));
    await writeFile(join(own, "ours.ts"), text);
    await writeFile(join(own, "steward.yml"), "plugins: [./ours.ts]\n");
    return await loadPlugins(environmentOf(join(own, "steward.yml"))).then(
      () => "",
      (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
    );
  };

  it.each([
    ["a file that is broken", "export default {", /plugin_invalid: The plugin \/.*ours.ts cannot be loaded/],
    ["no default export", "export const runbooks = [];", /exports no plugin/],
    ["another kind", "export default { commands: [] };", /has 'commands'; allowed: runbooks, checks, tasks/],
    [
      "a runbook without steps",
      'export default { runbooks: [{ name: "x" }] };',
      /runbooks is no list of maps that have name, version/,
    ],
    [
      "a name that is taken",
      'export default { tasks: [{ name: "health", title: "", help: "", run() {} }] };',
      /has a task 'health': the name is taken/,
    ],
  ])("is refused in words: %s", async (_, text, message) => {
    expect(await refused(text)).toMatch(message);
  });

  it("is refused when it is not there", async () => {
    const path = join(folder, "none.yml");
    await writeFile(path, "plugins: [./none.ts]\n");
    await expect(loadPlugins(environmentOf(path))).rejects.toMatchObject({ code: "plugin_invalid" });
  });
});
