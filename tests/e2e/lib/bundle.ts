/** Components as `deno task bundle` ships them: one script each, run with the permissions that deno.json names. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Launch, REPOSITORY } from "./components.ts";
import { run } from "./programs.ts";

/** A set of `permissions` in deno.json: for each kind everything, nothing, or a list. */
export type PermissionSet = Readonly<Record<string, boolean | readonly string[]>>;

/** Bundles every component into dist/ of the checkout. */
export async function bundleAll(): Promise<void> {
  await run(Deno.execPath(), ["task", "--quiet", "bundle"], { cwd: REPOSITORY });
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
    const offline = ["--no-config", "--no-npm", "--no-remote", "--cached-only", "--no-prompt"];
    const script = join(REPOSITORY, "dist", `${component}.js`);
    return {
      command: Deno.execPath(),
      args: ["run", ...offline, ...permissionFlags(allowed), script, "--config", configFile],
      cwd,
      env: { DENO_DIR: cache },
    };
  };
}

/** The command line of a permission set: `{ net: true, read: ["/etc"] }` is `--allow-net --allow-read=/etc`. */
export function permissionFlags(set: PermissionSet): string[] {
  return Object.entries(set).flatMap(([kind, value]) => {
    if (value === false) return [];
    return [value === true ? `--allow-${kind}` : `--allow-${kind}=${value.join(",")}`];
  });
}
