import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startEmbeddedPostgres } from "../src/journal/embedded.ts";
import { sshHost } from "../src/targets/ssh-host.ts";
import { openControlFolder } from "../src/targets/ssh-options.ts";
import { openHouse, scripted } from "../test/runbooks/house.ts";
import { findOrInstall, programPath } from "../test/servers/apt.ts";
import { keep } from "../test/servers/run.ts";
import { sshServer, type TestSshServer } from "../test/servers/sshd.ts";
import { declarationOf } from "../test/targets/ssh-shop.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { median, table } from "./table.ts";

const STEPS = 10;
const MOST = 0.5;
const COMMAND = ["/bin/true"];
const runFile = promisify(execFile);

/** Ten steps on a host over SSH, connection set up once: journaled by the engine, and as tasks of a playbook. */
export const ssh: Bench = {
  name: "ssh",
  help: "a step on a host over SSH, journal included, beside ansible with pipelining",
  aim: `<= ${MOST} x ansible`,
  async run({ long, print }: BenchContext) {
    const ansible = await findOrInstall("Ansible", ["ansible-core"], () => programPath("ansible-playbook"));
    const home = await mkdtemp(join(tmpdir(), "steward-ssh-"));
    const server = await sshServer();
    const control = openControlFolder();
    const host = sshHost(declarationOf(server), {
      redact: (text) => text,
      controlFolder: control.path,
      environment: process.env,
    });
    const postgres = await startEmbeddedPostgres({ home });
    const release = await keep("bench-ssh", postgres.pid, {
      signal: "SIGINT",
      folders: [postgres.folder, home],
    });
    await postgres.ensureDatabase("steward");
    const trivial = scripted("trivial", () =>
      Array.from({ length: STEPS }, (_, index) => ({
        name: `step-${index}`,
        run: (deed) => deed.command(COMMAND),
      })),
    );
    const house = await openHouse([trivial], {
      database: { url: postgres.url("steward"), drop: async () => {} },
    });
    house.context.host = () => host;
    const playbook = await writePlaybook(home, server);
    try {
      const took = { plain: [] as number[], ansible: [] as number[], steward: [] as number[] };
      for (let round = 0; round < (long ? 20 : 5); round += 1) {
        took.plain.push(await timed(() => tenPlain(server, home)));
        took.ansible.push(await timed(() => runFile(ansible, playbook.args, { env: playbook.env })));
        const id = await house.ask("trivial");
        await house.approve(id);
        const run = await house.until(id, ["succeeded"]);
        took.steward.push(run.endedAt!.getTime() - run.startedAt!.getTime());
      }
      const perStep = Object.entries(took).map(([name, runs]) => ({ name, ms: median(runs) / STEPS }));
      const of = (name: string) => perStep.find((one) => one.name === name)!.ms;
      print(
        table(
          ["ten steps over SSH", "ms a step", "beside ansible"],
          perStep.map(({ name, ms }) => [name, ms.toFixed(1), `${(ms / of("ansible")).toFixed(2)} x`]),
        ),
      );
      const ratio = of("steward") / of("ansible");
      return { figure: `${ratio.toFixed(2)} x ansible`, reached: ratio <= MOST };
    } finally {
      await house.close();
      await host.close();
      control.remove();
      await server.stop();
      await postgres.stop();
      await release();
      await rm(postgres.folder, { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    }
  },
};

/** The floor: ssh by hand over one connection, with nothing written down. */
async function tenPlain(server: TestSshServer, home: string): Promise<void> {
  const options = [...optionsOf(server), "-o", "ControlMaster=auto", "-o", `ControlPath=${home}/plain`];
  const to = [
    ...options,
    "-o",
    "ControlPersist=60",
    "-p",
    String(server.port),
    `${server.user}@${server.host}`,
  ];
  for (let index = 0; index < STEPS; index += 1) await runFile("ssh", [...to, COMMAND[0]!]);
  await runFile("ssh", [...to, "-O", "exit"]);
}

async function writePlaybook(
  home: string,
  server: TestSshServer,
): Promise<{ args: string[]; env: Record<string, string | undefined> }> {
  const tasks = Array.from({ length: STEPS }, () => `    - ansible.builtin.command: ${COMMAND[0]}`);
  const play = ["- hosts: all", "  gather_facts: false", "  tasks:", ...tasks, ""];
  await writeFile(join(home, "play.yml"), play.join("\n"));
  const variables = [
    `ansible_port=${server.port}`,
    `ansible_user=${server.user}`,
    `ansible_ssh_private_key_file=${server.keyPath}`,
    "ansible_python_interpreter=/usr/bin/python3",
  ];
  await writeFile(join(home, "hosts"), `${server.host} ${variables.join(" ")}\n`);
  return {
    args: ["-i", join(home, "hosts"), join(home, "play.yml")],
    env: {
      PATH: process.env.PATH,
      HOME: home,
      LC_ALL: "C.UTF-8",
      ANSIBLE_PIPELINING: "True",
      ANSIBLE_SSH_ARGS: [...optionsOf(server), "-o ControlMaster=auto -o ControlPersist=60s"].join(" "),
      ANSIBLE_SSH_CONTROL_PATH_DIR: join(home, "cp"),
    },
  };
}

function optionsOf(server: TestSshServer): string[] {
  return [
    "-o",
    `UserKnownHostsFile=${server.knownHostsPath}`,
    "-o",
    "BatchMode=yes",
    "-o",
    "IdentitiesOnly=yes",
    "-i",
    server.keyPath,
    "-F",
    "none",
  ];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
