import type { Service } from "../config.ts";
import { StewardError } from "../errors.ts";
import { planSteps, type Runbook, type Step } from "./runbook.ts";
import { fleetPlan, restartSteps } from "./steps/deploy.ts";
import { restartCommands } from "./steps/restart.ts";
import { verifyStep } from "./steps/verify.ts";

/** The harmless cure: restart, and see that it is well afterwards. */
export const restart: Runbook = {
  name: "restart",
  version: 1,
  help: "Restart a service and verify that it is well.",
  args: [],
  cure: true,
  rules: (service) => service.runbooks.restart,
  async plan({ context, service }) {
    if (restartCommands(service).length === 0) {
      throw new StewardError("no_restart", `${service.id} declares no restart command`, {
        hint: "Add commands.restart in steward.yml.",
      });
    }
    return {
      title: `Restart ${service.id}`,
      from: null,
      to: null,
      risk: "low",
      subject: { good: service.runbooks.restart.good, ...fleetPlan(service, false) },
      steps: planSteps(stepsOf(service)),
      context: {
        commits: [],
        migrations: [],
        backup: "not needed: nothing is changed",
        readings: (await context.measure(service)).map(({ state, summary }) => ({ state, summary })),
        undo: "nothing to undo",
        warnings: [],
      },
    };
  },
  steps: (_context, _plan, service) => stepsOf(service),
  success: (plan) => `${plan.service} was restarted and is well`,
};

function stepsOf(service: Service): Step[] {
  const rules = service.runbooks.restart;
  return [...restartSteps(service, rules), verifyStep(service, rules, null)];
}
