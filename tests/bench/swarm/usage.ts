/** What programs and the machine have used. */
import { readdirSync, readFileSync } from "node:fs";
import { cpuSecondsOf, memoryMiB } from "../part.ts";

/** What a program and everything that it started have used. */
export interface Usage {
  readonly cpuSeconds: number;
  /** The most memory that each process of it has had, together. */
  readonly peakRssMib: number;
}

/** Looks at all processes of a group; nothing when there are none any more. */
export function usageOf(group: number): Usage {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)
    .filter((pid) => groupOf(pid) === group);
  return {
    cpuSeconds: pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
    peakRssMib: pids.reduce((sum, pid) => sum + peakMib(pid), 0),
  };
}

function groupOf(pid: number): number | undefined {
  return Number(textOf(`/proc/${pid}/stat`).split(") ")[1]?.split(" ")[2]);
}

/** The most memory that a process has had; none when it has ended. */
function peakMib(pid: number): number {
  try {
    return memoryMiB(pid, "VmHWM");
  } catch {
    return 0;
  }
}

/** The text of a file of /proc; none when the process has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Ticks of all processors since the machine began. */
export interface MachineTicks {
  readonly busy: number;
  readonly all: number;
}

/** Looks at the machine. */
export function machineTicks(): MachineTicks {
  return parseTicks(readFileSync("/proc/stat", "utf8"));
}

/**
 * The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. What runs with a low priority
 * counts as idle, because it gives way to whoever is measured.
 */
export function parseTicks(stat: string): MachineTicks {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    stat.split("\n")[0]?.split(/\s+/).slice(1).map(Number) ?? [];
  const busy = user + system + irq + softirq + steal;
  return { busy, all: busy + nice + idle + iowait };
}

/** The busy part of the time between two looks, from 0 to 1. */
export function busyShare(before: MachineTicks, after: MachineTicks): number {
  const all = after.all - before.all;
  return all === 0 ? 0 : (after.busy - before.busy) / all;
}
