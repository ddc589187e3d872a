import { VERSION } from "../core/version.ts";
import { embedded } from "./embedded.ts";

/** What `--version` prints of a program: its release, the commit that its bundle was made of, and the Deno that runs it. */
export function versionText(name: string): string {
  const commit = embedded("commit");
  const made = commit === undefined ? "from a checkout" : `commit ${commit}`;
  return `${name} ${VERSION} (${made}, deno ${Deno.version.deno})`;
}
