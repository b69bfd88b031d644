import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig, readEnvironment } from "../../src/config.ts";
import { declareSandbox } from "../../src/sandbox/declaration.ts";
import { checkUnits } from "../../src/tasks/checks/index.ts";
import { taskNames } from "../../src/tasks/index.ts";
import { runFolder } from "../servers/run.ts";

test("the sandbox's config is one that Steward takes", async () => {
  const url = (user: string): string => `postgresql://${user}@/shop?host=%2Ftmp%2Fa%20folder&port=5432`;
  const text = declareSandbox({
    url: "http://localhost:4410",
    checkout: "/home/me/.steward/demo/shop",
    database: { appUrl: url("shop_app"), ownerUrl: url("shop_owner"), appRole: "shop_app" },
    environment: { NODE_PATH: "/home/me/node_modules", SHOP_ADMIN_DATABASE_URL: url("shop_owner") },
    command: (action) => ["node", "ctl.js", action],
  });
  const path = join(await runFolder(), "sandbox.yml");
  await writeFile(path, text);
  const config = await loadConfig(readEnvironment({ STEWARD_CONFIG: path }), {
    checks: checkUnits(),
    tasks: taskNames(),
  });
  expect(config.services.map((service) => service.id)).toEqual(["shop"]);
  expect(config.services[0]?.database).toMatchObject({ url: url("shop_app"), admin: url("shop_owner") });
});
