/** The images that `deno task images` made. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY } from "../../e2e/lib/components.ts";

/** Image archives of this checkout, which the task of this ring makes first. */
export async function ownImages(): Promise<string[]> {
  const folder = join(REPOSITORY, "dist", "images");
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".tar"));
  if (files.length === 0) throw new Error(`Cannot find images in ${folder}: run deno task images`);
  return files.map((name) => join(folder, name));
}
