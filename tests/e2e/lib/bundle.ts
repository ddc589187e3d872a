/** Components as `deno task bundle` ships them: one script each, run with the permissions that deno.json names. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { permissionFlags, type PermissionSet } from "../../../src/install/permission_flags.ts";
import { bundleFlags } from "../../../src/install/unit.ts";
import { type Launch, REPOSITORY } from "./components.ts";
import { run } from "./programs.ts";

let bundled: Promise<string> | undefined;

/** Bundles every component into dist/ of the checkout, once for all tests of a file. */
export async function bundleAll(): Promise<void> {
  await (bundled ??= run(Deno.execPath(), ["task", "--quiet", "bundle"], { cwd: REPOSITORY }));
}

/**
 * Starts bundles from an empty directory below `dir`, with an empty DENO_DIR and nothing to fetch from: what runs
 * there runs anywhere.
 */
export async function fromBundles(dir: string): Promise<Launch> {
  const { permissions } = JSON.parse(await readFile(join(REPOSITORY, "deno.json"), "utf8")) as {
    permissions: Record<string, PermissionSet>;
  };
  const cwd = join(dir, "empty");
  const cache = join(dir, "deno-dir");
  await mkdir(cwd, { recursive: true });
  return (component, configFile) => {
    const allowed = permissions[component];
    if (allowed === undefined) {
      throw new Error(`Cannot run the bundle of ${component}: deno.json has no permissions for it`);
    }
    const script = join(REPOSITORY, "dist", `${component}.js`);
    return {
      command: Deno.execPath(),
      args: ["run", ...bundleFlags(component), ...permissionFlags(allowed), script, "--config", configFile],
      cwd,
      env: { DENO_DIR: cache },
    };
  };
}
