/** Commits that a run makes itself: a work tree beside the service, from which nothing is anybody's before the push. */
import type { Service } from "../../config.ts";
import { StewardError } from "../../errors.ts";
import { fetchMirror, gitEnvironment } from "../../targets/git.ts";
import {
  commitCommands,
  datesOf,
  hasChanges,
  headOf,
  makeWorktree,
  pushCommand,
  remoteSettings,
  removeWorktree,
  resetCommands,
  tagCommand,
  worktreeCommand,
  worktreeOf,
} from "../../targets/git-branch.ts";
import type { Deed, RunbookContext, Step } from "../runbook.ts";
import { repositoryOf } from "./code.ts";

type Context = Pick<RunbookContext, "mirrors" | "host">;
/** Where the folder's name stands in a plan: the run has no number yet when it is planned. */
export const FOLDER = "<work tree>";

/** A fresh work tree; taken away again on the way back. What was pushed stays. */
export function worktreeStep(context: Context, service: Service, branch: string, base: string): Step {
  const repository = repositoryOf(context, service);
  return {
    name: "branch",
    title: `Branch ${branch} from ${base.slice(0, 12)}`,
    commands: [worktreeCommand(repository, FOLDER, base)],
    undo: "Remove the work tree; a branch that was pushed is kept",
    idempotent: true,
    timeoutMs: 300_000,
    async run(deed) {
      const folder = worktreeOf(repository, deed.run);
      await inTree(deed, await makeWorktree(repository, folder, base), folder, {}, true);
      deed.remember({ branch });
    },
    takeBack: (deed) => removeWorktree(repository, worktreeOf(repository, deed.run)),
  };
}

/**
 * Commands that change files, and a commit of what they changed; begun again it starts from the base. Throws
 * `nothing_changed` when they changed nothing.
 */
export function changeStep(
  context: Context,
  service: Service,
  change: {
    name: string;
    title: string;
    base: string;
    commands: readonly string[][];
    /** they commit by themselves, as a cherry-pick does */
    commits?: boolean;
    subject: string;
    /** date of the commits, the same at every try */
    at(deed: Deed): string;
    /** more to change, in the folder, before the commit */
    also?(folder: string, deed: Deed): Promise<void>;
  },
): Step {
  const repository = repositoryOf(context, service);
  const inFolder = (folder: string, command: readonly string[]) =>
    command.map((argument) => (argument === FOLDER ? folder : argument));
  return {
    name: change.name,
    title: change.title,
    commands: [
      ...change.commands.map((command) => [...command]),
      ...(change.commits ? [] : commitCommands(FOLDER, change.subject)),
    ],
    idempotent: true,
    timeoutMs: service.commandTimeout,
    async run(deed) {
      const folder = worktreeOf(repository, deed.run);
      for (const command of resetCommands(folder, change.base)) await inTree(deed, command, folder);
      for (const command of change.commands)
        await inTree(deed, inFolder(folder, command), folder, datesOf(change.at(deed)));
      await change.also?.(folder, deed);
      if (!change.commits) {
        if (!(await hasChanges(repository, folder)))
          throw new StewardError("nothing_changed", "Nothing was changed, so there is nothing to release", {
            hint: "See what the commands of this step do.",
          });
        for (const command of commitCommands(folder, change.subject))
          await inTree(deed, command, folder, datesOf(change.at(deed)));
      }
      deed.remember({ commit: await headOf(repository, folder) });
    },
  };
}

/** What was made becomes everybody's; the mirror then knows it too. Begun again it pushes the same objects. */
export function pushStep(
  context: Context,
  service: Service,
  push: {
    title: string;
    refs: readonly string[];
    /** a tag to be made first; the day is not known when it is planned */
    tag?: { name: string; message(day: string): string };
  },
): Step {
  const repository = repositoryOf(context, service);
  return {
    name: "push",
    title: push.title,
    commands: [
      ...(push.tag ? [tagCommand(FOLDER, push.tag.name, push.tag.message("<day>"))] : []),
      pushCommand(FOLDER, push.refs),
    ],
    idempotent: true,
    timeoutMs: 300_000,
    async run(deed) {
      const folder = worktreeOf(repository, deed.run);
      const settings = await remoteSettings(repository);
      if (push.tag) {
        const at = startOf(deed);
        const command = tagCommand(folder, push.tag.name, push.tag.message(at.slice(0, 10)));
        await inTree(deed, command, folder, datesOf(at));
      }
      await inTree(deed, pushCommand(folder, push.refs), folder, settings);
      await fetchMirror(repository);
    },
  };
}

/** When the run began, as ISO: the same at every try and in every replica. */
export function startOf({ run }: Pick<Deed, "run">): string {
  return (run.startedAt ?? run.createdAt).toISOString();
}

/** Nothing depends on it: what cannot be removed now is removed by the next run of that number, or by hand. */
export function tidyStep(context: Context, service: Service): Step {
  const repository = repositoryOf(context, service);
  return {
    name: "tidy",
    title: "Remove the work tree",
    commands: [],
    idempotent: true,
    timeoutMs: 60_000,
    async run(deed) {
      await removeWorktree(repository, worktreeOf(repository, deed.run)).catch((error: Error) =>
        deed.say(`The work tree stays: ${error.message}`),
      );
    },
  };
}

/** Runs a command in the work tree, on Steward's machine, with git's settings as everywhere. */
export async function inTree(
  deed: Deed,
  command: readonly string[],
  folder: string,
  env: Record<string, string> = {},
  outside = false,
): Promise<void> {
  const repository = repositoryOf(deed.context, deed.service);
  await deed.command(command, {
    here: true,
    env: { ...gitEnvironment(repository), ...env },
    ...(outside ? {} : { cwd: folder }),
  });
}
