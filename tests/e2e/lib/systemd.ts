/** A systemd of its own, with the files of this machine: what a service does there, it does on a host. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY } from "./components.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { requireProgram, run } from "./programs.ts";
import { waitFor } from "./wait.ts";

const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 20_000;
const SYSTEMD = "/lib/systemd/systemd";

/** What {@link startSystemd} needs from the machine. */
export const SYSTEMD_PROGRAMS = ["unshare", "nsenter", "systemctl", "systemd-analyze", "mount", "pivot_root"] as const;

/**
 * Runs in namespaces of its own. Everything that is written lands in memory, above the files of the machine. Devices
 * are made anew, for `PrivateDevices=` copies them; mounts are shared, as systemd has them, for credentials are mounts.
 */
const SCRIPT = `
set -e
top=$1 bundles=$2 deno=$3
mount --make-rprivate /
mount -t tmpfs tmpfs "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
cd "$top/root"
rm -rf etc/systemd/system/* etc/dragonfly var/lib/dragonfly* var/cache/dragonfly var/cache/damselfly
rm -rf var/lib/private var/cache/private usr/local/lib/damselfly usr/local/bin/damselfly
mkdir -p bundles && cp "$bundles"/*.js bundles && cp "$deno" deno-of-test
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
  set -- $node
  mknod -m 666 "dev/$1" c "$2" "$3"
done
mkdir dev/shm dev/pts dev/mqueue dev/hugepages
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=666
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t sysfs sysfs sys
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
printf '[Unit]\\nDescription=Nothing but what tests start\\n' > etc/systemd/system/test.target
mkdir -p before && pivot_root . before && umount -l /before
mount --make-rshared /
ip link set lo up
exec env -i container=test PATH=/usr/bin:/bin:/usr/sbin:/sbin ${SYSTEMD} --system --unit=test.target --show-status=no
`;

/** A systemd that runs. */
export interface Systemd extends AsyncDisposable {
  /** Runs a command beside its services; returns what it printed. Throws when it fails. */
  run(command: string, ...args: string[]): Promise<string>;
}

/** Starts a systemd, with the bundles of the checkout in `/bundles` and Deno as `/deno-of-test`. */
export async function startSystemd(dir: string): Promise<Systemd> {
  await using stack = new AsyncDisposableStack();
  const [top, script] = [join(dir, "systemd"), join(dir, "systemd.sh")];
  await mkdir(top);
  await writeFile(script, SCRIPT);
  const cgroup = await ownCgroup(stack);
  const flags = ["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "--cgroup"];
  const enter = `echo $$ > "${cgroup}/cgroup.procs"; exec unshare ${flags.join(" ")} bash "$@"`;
  const process = startProcess({
    name: "systemd",
    command: "bash",
    args: ["-c", enter, "bash", script, top, join(REPOSITORY, "dist"), Deno.execPath()],
    logDir: dir,
  });
  // Asked to stop, it would wait for its child, which does not end by itself.
  stack.defer(() => process.kill());
  const inside = async (command: string, ...args: string[]) => {
    const namespaces = ["-m", "-p", "-n", "-u", "-i", "-C", "-r", "-w"];
    return await run(requireProgram("nsenter"), ["-t", await firstChildOf(process), ...namespaces, command, ...args]);
  };
  await process.ready("an answer", START_TIMEOUT_MS, async () => {
    return await inside("systemctl", "is-system-running", "--wait") === "running\n" ? true : undefined;
  });
  const opened = stack.move();
  return { run: inside, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** A control group for all that systemd makes; it goes with it. */
async function ownCgroup(stack: AsyncDisposableStack): Promise<string> {
  const isUnified = await readFile("/sys/fs/cgroup/cgroup.controllers").then(() => true, () => false);
  const path = join(isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/systemd", `damselfly-e2e-${Deno.pid}`);
  await mkdir(path);
  // Files of a control group cannot be removed, and its folders only when nothing is below them.
  stack.defer(async () =>
    void await waitFor("the end of everything that systemd ran", END_TIMEOUT_MS, async () => {
      await run("find", [path, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"]);
      return true;
    })
  );
  return path;
}

/** `unshare` runs what it starts as a child. */
async function firstChildOf({ pid }: RunningProcess): Promise<string> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
  if (children[0] === undefined || children[0] === "") throw new Error("systemd has not begun");
  return children[0];
}

/** Makes `root` hold the units of this machine, so that `systemd-analyze --root` knows what ours stand on. */
export async function withUnitsOfMachine(root: string): Promise<void> {
  await mkdir(join(root, "lib/systemd"), { recursive: true });
  await run("cp", ["-r", "/lib/systemd/system", join(root, "lib/systemd")]);
  await mkdir(join(root, "bin"), { recursive: true });
  await rm(join(root, "bin/kill"), { force: true });
  await run("cp", ["/bin/kill", join(root, "bin")]);
}
