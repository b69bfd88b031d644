/** The config that Steward runs with in the sandbox: written like one that a user would write. */
import { stringify } from "yaml";
import type { Demo } from "./demo/demo.ts";

const HEADER =
  " The sandbox's config: written anew at every start of it. steward.example.yml explains all that can be said.";

/** YAML for the demo shop and the stand-in's people and channels. */
export function declareSandbox(
  demo: Pick<Demo, "url" | "checkout" | "database" | "environment" | "command">,
): string {
  const { appUrl, ownerUrl, appRole } = demo.database;
  const config = {
    slack: { channel: "#ops", incidents: "#incidents" },
    roles: {
      operator: { users: ["U0OLGA"] },
      approver: { groups: ["S0APPROVERS"] },
      breakGlass: { users: ["U0OLGA"] },
    },
    services: {
      shop: {
        owner: "Rosa Barista",
        repository: { path: demo.checkout, remote: "origin", tag: "{version}", migrations: "migrations" },
        database: { url: appUrl, admin: ownerUrl, appRole, holdWrites: true },
        health: {
          url: `${demo.url}/health`,
          status: 200,
          json: { status: "healthy" },
          version: "version",
        },
        commands: {
          install: ["npm", "ci", "--offline", "--no-audit", "--no-fund"],
          migrate: [process.execPath, "migrate.js"],
          restart: demo.command("restart"),
          start: demo.command("start"),
          stop: demo.command("stop"),
        },
        environment: demo.environment,
        // Quick where a newcomer waits for it; patient with this machine, which may be busy with other things.
        checks: [
          { type: "http", every: "2s" },
          { type: "version", every: "5s" },
          { type: "postgres", every: "5s" },
          { type: "cpu", every: "30s", bad: "10 of 10" },
          { type: "memory", every: "30s", bad: "10 of 10" },
          { type: "disk", every: "30s", bad: "10 of 10" },
        ],
        runbooks: {
          // A newcomer does not want to wait, yet 1.2.0 is well for its first two seconds.
          update: { approvals: 1, good: 5, goodEvery: "1s", goodWithin: "30s", watch: "15s" },
          rollback: { approvals: 1, good: 3, goodEvery: "1s", goodWithin: "30s" },
        },
      },
    },
    schedules: { health: { at: "0 0 * * * *", zone: "UTC" } },
  };
  return `#${HEADER}\n${stringify(config, { lineWidth: 110 })}`;
}
