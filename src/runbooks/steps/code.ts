import type { Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import { checkoutCommands, gitEnvironment, type Repository } from "../../targets/git.ts";
import type { Deed, RunbookContext, Step } from "../runbook.ts";
import { restartService } from "./restart.ts";
import { verifyService } from "./verify.ts";

/**
 * Does nothing on the way forward; on the way back it is the last thing before writes are accepted: the old
 * version is started again and has to prove that it is well.
 */
export function wayBackStep(service: Service, from: { version: string | null }): Step {
  // over a fleet each host has been restarted by its own way back
  const restarts = !service.fleet;
  return {
    name: "way-back",
    title: `Keep the way back to ${from.version ?? "the running commit"}`,
    commands: [],
    undo: `${restarts ? "Restart" : "Verify"} ${from.version ?? "the former version"}${restarts ? " and verify it" : ""}`,
    idempotent: true,
    timeoutMs: service.commandTimeout + service.runbooks.update.goodWithin,
    async run(deed) {
      deed.say(
        `The way back leads to ${from.version ?? "commit"} ${String(deed.plan.subject.fromCommit).slice(0, 12)}.`,
      );
    },
    async takeBack(deed) {
      if (restarts) await restartService(deed, service);
      await verifyService(deed, service, service.runbooks.update, from.version);
    },
  };
}

/** The service's checkout at the commit of the plan; back to the former commit, with its dependencies. */
export function checkoutStep(
  context: Pick<RunbookContext, "mirrors" | "host">,
  service: Service,
  between: { from: Standpoint & { commit: string }; to: Standpoint },
): Step {
  const repository = repositoryOf(context, service);
  const { to } = between;
  return {
    name: "checkout",
    title: `Check out ${describe(to)}`,
    commands: checkoutCommands(repository, to.commit ?? "<the commit of this run>", to.branch),
    undo: `Check out ${describe(between.from)}${service.commands.install ? " and install its dependencies" : ""}`,
    idempotent: true,
    timeoutMs: service.commandTimeout,
    async run(deed) {
      const commit = to.commit ?? deed.recall("commit");
      if (typeof commit !== "string")
        throw new StewardError("commit_missing", "This run has made no commit to check out", {
          hint: "Undo the run and ask for it again.",
        });
      for (const command of checkoutCommands(repository, commit, to.branch))
        await deed.command(command, { env: gitEnvironment(repository) });
    },
    async takeBack(deed) {
      for (const command of checkoutCommands(repository, between.from.commit))
        await deed.command(command, { env: gitEnvironment(repository) });
      await inCheckout(deed, service, service.commands.install);
    },
  };
}

export function installStep(service: Service): Step {
  return {
    name: "install",
    title: "Install dependencies",
    commands: [service.commands.install!],
    idempotent: true,
    timeoutMs: service.commandTimeout,
    run: (deed) => inCheckout(deed, service, service.commands.install),
  };
}

export function testStep(service: Service): Step {
  return {
    name: "test",
    title: "Run the tests",
    commands: [service.commands.test!],
    idempotent: true,
    timeoutMs: service.commandTimeout,
    run: (deed) => inCheckout(deed, service, service.commands.test),
  };
}

/** What a checkout stands at; `version` is null for a commit without a release tag. */
export interface Standpoint {
  version: string | null;
  /** the branch that leads to the commit, where no tag does */
  branch?: string;
  /** null: one that the run itself makes */
  commit: string | null;
}

/** The repository of a service that declares one. */
export function repositoryOf(
  context: Pick<RunbookContext, "mirrors" | "host">,
  service: Service,
  lane?: string,
): Repository {
  const { path, remote, tag } = service.repository!;
  return {
    host: context.host(service, lane),
    ...(service.host === "local" ? {} : { here: context.host() }),
    path,
    remote,
    tag,
    mirror: `${context.mirrors}/${service.id}.git`,
  };
}

function describe({ version, commit }: Standpoint): string {
  if (commit === null) return version ?? "the commit of this run";
  return version === null ? commit.slice(0, 12) : `${version} (${commit.slice(0, 12)})`;
}

async function inCheckout(deed: Deed, service: Service, command: string[] | undefined): Promise<void> {
  if (command) await deed.command(command, { cwd: service.repository!.path });
}
