import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { cachedFolder } from "./cache.ts";
import { requireProgram, run } from "./programs.ts";

/** A program in Go, and where its source is. */
export interface GoProgram {
  readonly module: string;
  readonly version: string;
  /** The package of its main, below the module. */
  readonly main: string;
  readonly tags?: readonly string[];
}

/**
 * The path of a program that Debian does not have, built by Go on first use; it is kept in the cache, and what it was
 * built from is not. It needs no C compiler. Throws when it cannot be built.
 */
export async function goProgram({ module, version, main, tags = [] }: GoProgram): Promise<string> {
  const name = basename(main);
  const folder = await cachedFolder(`${name}-${version}`, async (scratch) => {
    const [modules, objects] = [join(scratch, "modules"), join(scratch, "objects")];
    const env = { GOMODCACHE: modules, GOCACHE: objects, GOFLAGS: "-modcacherw", CGO_ENABLED: "0" };
    // `go install` would ask for the list of all versions as well, and not every proxy of modules has that.
    const source = await run(requireProgram("go"), ["mod", "download", "-json", `${module}@${version}`], { env });
    const { Dir: dir } = JSON.parse(source) as { readonly Dir: string };
    const args = ["build", "-C", dir, "-ldflags=-s -w", "-tags", tags.join(), "-o", join(scratch, name), `./${main}`];
    await run(requireProgram("go"), args, { env });
    for (const built of [modules, objects]) await rm(built, { recursive: true });
  });
  return join(folder, name);
}
