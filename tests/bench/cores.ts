/** Who runs on which processor: what is measured and who measures must not take one from each other. */

/** That of what is measured, with all its threads: "one core" is this one. */
export const MEASURED_CORE = 0;
/** That of whoever makes the calls. */
const CALLING_CORE = 1;
const TASKSET = "taskset";

/** Whether there are two processors, and the program that gives them. */
function canChoose(): boolean {
  if (navigator.hardwareConcurrency <= Math.max(MEASURED_CORE, CALLING_CORE)) return false;
  try {
    return new Deno.Command(TASKSET, { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Whether it is so here; else everybody shares all processors, and times say less. */
export const HAS_CORES = canChoose();

/** A command that runs on a processor. */
export function onCore(core: number, command: string, args: readonly string[]): [string, string[]] {
  return HAS_CORES ? [TASKSET, ["-c", String(core), command, ...args]] : [command, [...args]];
}

/** Does something while all threads of this process are on the processor of whoever makes the calls. */
export async function onCallingCore<T>(run: () => Promise<T>): Promise<T> {
  await moveTo(String(CALLING_CORE));
  try {
    return await run();
  } finally {
    await moveTo(`0-${navigator.hardwareConcurrency - 1}`);
  }
}

async function moveTo(cores: string): Promise<void> {
  if (!HAS_CORES) return;
  const move = new Deno.Command(TASKSET, { args: ["-acp", cores, String(Deno.pid)], stdout: "null" });
  if (!(await move.output()).success) throw new Error(`Cannot move to processor ${cores}`);
}
