import type { Problem } from "./problems.ts";

const ENVIRONMENT = /^[a-z0-9][a-z0-9-]*$/;

/**
 * A service with `environments:` becomes one service for each, its own settings laid over the shared ones.
 * Keys of the result are `name` or `name__environment`: a separator that a declared name may hold is
 * refused in names that have environments.
 */
export function withEnvironments(input: unknown): { input: unknown; problems: Problem[] } {
  const problems: Problem[] = [];
  if (!isMap(input) || !isMap(input.services)) return { input, problems };
  const services: Record<string, unknown> = {};
  for (const [name, declaration] of Object.entries(input.services)) {
    if (name.includes("__"))
      problems.push({
        path: `services.${name}`,
        value: `'${name}'`,
        allowed: "a name without two underscores in a row",
      });
    if (!isMap(declaration) || declaration.environments === undefined) {
      services[name] = declaration;
      continue;
    }
    const { environments, ...shared } = declaration;
    if (!isMap(environments) || Object.keys(environments).length === 0) {
      problems.push({
        path: `services.${name}.environments`,
        value: isMap(environments) ? "an empty map" : "no map",
        allowed: "a map from environment to its settings",
      });
      continue;
    }
    for (const [environment, own] of Object.entries(environments)) {
      if (!isMap(own ?? {}) || !ENVIRONMENT.test(environment) || name.endsWith("_")) {
        problems.push({
          path: `services.${name}.environments.${environment}`,
          value: isMap(own ?? {}) ? `'${environment}'` : "no map",
          allowed: name.endsWith("_")
            ? "a service's name that does not end in _"
            : "a map of settings, under a name of lower-case letters, digits and -",
        });
        continue;
      }
      services[`${name}__${environment}`] = overlay(shared, own ?? {});
    }
  }
  return { input: { ...input, services }, problems };
}

/** `after:` names an environment of the same service, another one than its own. */
export function unknownEnvironments(file: {
  services: Record<string, { after?: string | undefined }>;
}): Problem[] {
  return Object.entries(file.services).flatMap(([key, { after }]) => {
    const [name, own] = key.split("__");
    if (after === undefined || (after !== own && `${name}__${after}` in file.services)) return [];
    const others = Object.keys(file.services)
      .filter((other) => other !== key && other.startsWith(`${name}__`))
      .map((other) => other.split("__")[1]);
    const allowed = others.join(", ") || "nothing: the service has no other environment";
    return [{ path: `services.${key.replace("__", "@")}.after`, value: `'${after}'`, allowed }];
  });
}

/** Maps are merged, everything else is replaced. */
export function overlay(base: unknown, own: unknown): unknown {
  if (!isMap(base) || !isMap(own)) return own;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(own))
    merged[key] = key in base ? overlay(base[key], value) : value;
  return merged;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
