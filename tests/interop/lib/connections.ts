/** Who is connected to whom, as the kernel sees it: what a stock program knows and does not say. */
import { readFileSync } from "node:fs";
import { requireProgram, run } from "../../e2e/lib/programs.ts";

export const CONNECTION_PROGRAM = "ss";

/** The remote ends (`ip:port`) of the established TCP connections of a process group. */
export async function connectionsOf(group: number): Promise<Set<string>> {
  const table = await run(requireProgram(CONNECTION_PROGRAM), ["-tnpH", "state", "established"]);
  return new Set(
    parseConnections(table).filter(({ pids }) => pids.some((pid) => groupOf(pid) === group)).map((one) => one.remote),
  );
}

/** One line of `ss -tnpH state established`. */
export interface Connection {
  readonly remote: string;
  readonly pids: readonly number[];
}

/** Parses the table that `ss -tnpH state established` prints; IPv4 ends that it shows as IPv6 are written as IPv4. */
export function parseConnections(table: string): Connection[] {
  return table.split("\n").flatMap((line) => {
    const [, , , remote, users] = line.trim().split(/\s+/);
    if (remote === undefined) return [];
    const pids = [...(users ?? "").matchAll(/pid=(\d+)/g)].map(([, pid]) => Number(pid));
    return [{ remote: remote.replace(/^\[::ffff:(.+)\]/, "$1"), pids }];
  });
}

/** The process group of a process, or undefined when it is gone. */
function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  } catch {
    return undefined;
  }
}
