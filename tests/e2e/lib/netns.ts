/** Network namespaces of `ip netns`, by name. */

/** A command that runs `command` in a network namespace, as the same process; without a name as it is. */
export function inNetns(netns: string | undefined, command: string, args: readonly string[]): [string, string[]] {
  return netns === undefined
    ? [command, [...args]]
    : ["nsenter", [`--net=/run/netns/${netns}`, "--", command, ...args]];
}
