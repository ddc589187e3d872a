/** Steps that do not build on each other: one that fails says so, and the others run all the same. */
import { errorText } from "../../../src/core/error.ts";
import type { Workspace } from "../../e2e/lib/workspace.ts";

/** Runs a step; several may run at once. */
export type FreeStep = (sentence: string, run: () => Promise<void>) => Promise<void>;

/** Steps of `t`. Processes live across them, so leaks are looked for once, at the end of the test. */
export function freeSteps(t: Deno.TestContext, workspace: Workspace): FreeStep {
  return async (name, run) => {
    const fn = () =>
      run().catch((error) => {
        console.error(`Failed: ${name}: ${errorText(error)}`); // the runner says it at the end of its run
        throw error;
      });
    const passed = await t.step({ name, fn, sanitizeOps: false, sanitizeResources: false, sanitizeExit: false });
    if (!passed) await workspace.keep();
  };
}
