/** Settings that a kind of service mostly has: laid under its own, so that a few lines are enough. */
import { fileURLToPath } from "node:url";
import type { Problem } from "./problems.ts";
import { isMap, overlay } from "./services.ts";

const pin = (file: string) => [
  "node",
  fileURLToPath(new URL(`pins/${file}`, import.meta.url)),
  "{package}",
  "{version}",
];

/** By name; `unit` is the service's own name, which is also that of its systemd unit. */
const PRESETS: Record<string, (unit: string) => Record<string, unknown>> = {
  "git-npm": (unit) => ({
    commands: {
      install: ["npm", "ci"],
      dependencies: ["npm", "update", "--save"],
      bump: ["npm", "version", "--no-git-tag-version", "--allow-same-version", "{version}"],
      pin: pin("npm.js"),
      restart: ["systemctl", "restart", unit],
    },
  }),
  "git-pip-alembic-systemd": (unit) => ({
    repository: { migrations: "alembic/versions" },
    commands: {
      install: [".venv/bin/python", "-m", "pip", "install", "--requirement", "requirements.txt"],
      migrate: [".venv/bin/alembic", "upgrade", "head"],
      down: [".venv/bin/alembic", "downgrade", "{back}"],
      pin: pin("pip.js"),
      restart: ["systemctl", "restart", unit],
    },
  }),
};

export const presetNames = Object.keys(PRESETS);

/** A service with `preset:` gets the preset's settings under its own. Keys are as `withEnvironments` leaves them. */
export function withPresets(input: unknown): { input: unknown; problems: Problem[] } {
  if (!isMap(input) || !isMap(input.services)) return { input, problems: [] };
  const problems: Problem[] = [];
  const services = Object.entries(input.services).map(([key, declaration]) => {
    if (!isMap(declaration) || declaration.preset === undefined) return [key, declaration];
    const { preset, ...own } = declaration;
    const settings =
      typeof preset === "string" && Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined;
    if (!settings) {
      const [value, allowed] = [`'${String(preset).slice(0, 60)}'`, presetNames.join(", ")];
      problems.push({ path: `services.${key.replace("__", "@")}.preset`, value, allowed });
    }
    return [key, overlay(settings?.(key.split("__")[0]!) ?? {}, own)];
  });
  return { input: { ...input, services: Object.fromEntries(services) }, problems };
}
