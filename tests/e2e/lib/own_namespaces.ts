/**
 * Namespaces of one's own (network, processes, mounts), so that nothing on the machine is touched and nothing stays: when
 * the first process in them ends, in whatever way, the kernel ends the others and takes away nodes and links.
 */
import { fileURLToPath } from "node:url";
import { e2eTest, type Needs, run } from "./programs.ts";

/** What {@link inOwnNamespaces} needs from the machine, besides root. */
export const OWN_NAMESPACES_PROGRAMS = ["unshare", "mount"] as const;
const NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/**
 * The first process of the namespaces waits for what nobody else waits for. `ip` keeps names below /run, and iptables
 * a lock; what is there outside stays unseen.
 */
const FIRST_PROCESS = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && "$@"; exit $?';
/** Set for what {@link isolatedTest} runs inside. */
const INSIDE_VARIABLE = "E2E_OWN_NAMESPACES";

/** A command, to be started as root, that runs `command` in namespaces of its own. */
export function inOwnNamespaces(command: string, args: readonly string[]): [string, string[]] {
  return ["unshare", [...NAMESPACES, "sh", "-c", FIRST_PROCESS, "sh", command, ...args]];
}

/**
 * Registers the only test of a file, as {@link e2eTest} does; it runs in namespaces of its own, where it may make nodes
 * and links as it likes. `url` is that of the file, which is run a second time for that.
 */
export function isolatedTest(
  url: string,
  title: string,
  needs: Needs,
  test: (t: Deno.TestContext) => Promise<void>,
): void {
  if (Deno.env.has(INSIDE_VARIABLE)) return Deno.test(title, test);
  const programs = [...needs.programs, ...OWN_NAMESPACES_PROGRAMS];
  e2eTest(title, { ...needs, programs, root: true }, async () => {
    const [command, args] = inOwnNamespaces(Deno.execPath(), ["test", "-A", fileURLToPath(url)]);
    const said = await run(command, args, { env: { [INSIDE_VARIABLE]: "1" } });
    // Indented, so that who counts tests counts this one once.
    console.log(said.trim().replaceAll(/^/gm, "    "));
  });
}
