/** Tests that share one expensive stage: each step is a sentence, and after one that failed the rest is skipped. */
import type { Workspace } from "./workspace.ts";

/** Runs the next step of a story. */
export type Step = (sentence: string, run: () => Promise<void>) => Promise<void>;

/**
 * Steps of `t`. Processes live across steps, so leaks are looked for once, at the end of the test. The first failed
 * step keeps the workspace; what follows it is registered as skipped.
 */
export function story(t: Deno.TestContext, workspace: Workspace): Step {
  let failed = false;
  return async (name, run) => {
    const passed = await t.step({ name, ignore: failed, fn: run, sanitizeOps: false, sanitizeResources: false });
    if (passed || failed) return;
    failed = true;
    await workspace.keep();
  };
}
