/**
 * What an SSH host is asked to run: always this one constant text. What to do, on whom and with what comes over
 * standard input, line by line, and is only ever a value there: nothing of it is read as shell, quoted or not.
 */

/**
 * Reads the task, says who it is, waits for `go`, runs the program and says how it ended. All that it says are
 * lines that begin with the task's mark; everything between the first and the last of them is the program's output.
 * It stays the leader of the process group that sshd made, so that the group can be found and ended by its pid.
 * No single quote and no line of its own meaning may stand here: any login shell passes it on as one word.
 */
const SCRIPT = `
steward_mark=; steward_folder=; steward_pairs=0; set -f; set --;
say() { printf "%s %s\\n" "$steward_mark" "$1"; };
while IFS= read -r steward_line; do
  case $steward_line in
    .) steward_line=end; break;;
    ?:*) steward_line_rest=\${steward_line#??};
      steward_value=$(printf %s "$steward_line_rest" | base64 -d 2>/dev/null ||
        printf %s "$steward_line_rest" | base64 -D 2>/dev/null && printf x) || { say unreadable; exit 1; };
      steward_value=\${steward_value%x};;
    *) steward_value=\${steward_line#??};;
  esac;
  case $steward_line in
    m*) steward_mark=$steward_value;;
    d*) steward_folder=$steward_value;;
    e*) steward_pairs=$((steward_pairs+1)); set -- "$@" "$steward_value";;
    a*) set -- "$@" "$steward_value";;
  esac;
done;
[ "$steward_line" = end ] || exit 0;
if [ "$steward_folder" ]; then cd -- "$steward_folder" 2>/dev/null || { say nofolder; exit 1; }; fi;
while [ "$steward_pairs" -gt 0 ]; do export "$1"; shift; steward_pairs=$((steward_pairs-1)); done;
steward_found=;
case $1 in
  */*) [ -f "$1" ] && [ -x "$1" ] && steward_found=1;;
  *) IFS=:; for steward_place in $PATH; do
      [ -f "\${steward_place:-.}/$1" ] && [ -x "\${steward_place:-.}/$1" ] && steward_found=1;
    done; unset IFS;;
esac;
[ "$steward_found" ] || { say noprogram; exit 1; };
if [ -r /proc/self/stat ]; then
  IFS= read -r steward_boot < /proc/sys/kernel/random/boot_id;
  IFS= read -r steward_stat < /proc/$$/stat;
  say "proc $steward_boot $steward_stat";
else
  say "ps $(LC_ALL=C ps -o pid=,pgid=,stat=,lstart= -p $$)";
fi;
IFS= read -r steward_line && [ "$steward_line" = go ] || exit 0;
(exec 2>&1; exec "$@");
say "exit $?"
`
  .trim()
  .replace(/\n\s*/g, " ");

/** The command line of every session. The first shell keeps five variables, the second has the script. */
export const REMOTE_COMMAND = `exec /bin/sh -c 'exec env -i PATH="$PATH" HOME="$HOME" USER="$USER" \${LANG:+LANG="$LANG"} \${TMPDIR:+TMPDIR="$TMPDIR"} /bin/sh -c "$0"' '${SCRIPT}'`;

/** What is to be run there. */
export interface RemoteTask {
  command: readonly string[];
  cwd?: string | undefined;
  env?: Record<string, string> | undefined;
}

/** The lines of a task; `mark` is what the script begins its own lines with. */
export function encodeTask(task: RemoteTask, mark: string): string {
  const lines = [
    line("m", mark),
    ...(task.cwd === undefined ? [] : [line("d", task.cwd)]),
    ...Object.entries(task.env ?? {}).map(([name, value]) => line("e", `${name}=${value}`)),
    ...task.command.map((argument) => line("a", argument)),
  ];
  return `${lines.join("\n")}\n.\n`;
}

/** What a shell's `read` takes as it stands goes as it stands; decoding costs two processes. */
function line(kind: string, value: string): string {
  return /^[!-~](?:[ -~]*[!-~])?$/.test(value)
    ? `${kind}=${value}`
    : `${kind}:${Buffer.from(value).toString("base64")}`;
}
