/** The chart as Helm renders it, without a cluster. */
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { REPOSITORY } from "../../e2e/lib/components.ts";
import { run } from "../../e2e/lib/programs.ts";
import { tool, toolFile } from "../../e2e/lib/tools.ts";

export const CHART = join(REPOSITORY, "charts", "damselfly");
/** Without a cluster Helm takes the version that it was built for. */
const KUBERNETES = "1.34.0";

/** What {@link helm} needs from the machine. */
export const HELM_NEEDS = {
  programs: [],
  missing: toolFile("helm") === undefined ? ["program helm"] : [],
};

// deno-lint-ignore no-explicit-any -- objects of Kubernetes; a test says by its assertions what it expects
export type KubernetesObject = any;

/** Runs Helm and returns what it printed. */
export async function helm(...args: readonly string[]): Promise<string> {
  const program = await tool("helm");
  if (program === undefined) throw new Error("Cannot find the program helm: install it");
  return await run(program, args);
}

/** The release that {@link rendered} renders. */
export interface Release {
  readonly name?: string;
  readonly namespace?: string;
}

/** The objects of a release with these values, each a table or the text of a file; later ones win. */
export async function rendered(
  values: readonly unknown[],
  { name = "dragonfly", namespace = "cluster-a" }: Release = {},
): Promise<KubernetesObject[]> {
  const text = await withFiles(values, (files) => {
    const args = files.flatMap((file) => ["--values", file]);
    return helm("template", name, CHART, "--namespace", namespace, "--kube-version", KUBERNETES, ...args);
  });
  return parseAllDocuments(text).map((document) => document.toJS()).filter((object) => object !== null);
}

/** Why Helm refuses these values. */
export async function refusalOf(...values: readonly unknown[]): Promise<string> {
  try {
    await rendered(values);
  } catch (error) {
    return String(error);
  }
  throw new Error("Helm takes these values");
}

/** What Helm says of problems of the chart itself. */
export function lint(...values: readonly unknown[]): Promise<string> {
  return withFiles(values, (files) => {
    return helm("lint", CHART, "--kube-version", KUBERNETES, ...files.flatMap((file) => ["--values", file]));
  });
}

async function withFiles<T>(values: readonly unknown[], use: (files: readonly string[]) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "damselfly-chart-" });
  try {
    const files = values.map((_, index) => join(folder, `${index}.yaml`));
    for (const [index, file] of files.entries()) {
      const value = values[index];
      await Deno.writeTextFile(file, typeof value === "string" ? value : stringify(value));
    }
    return await use(files);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The object of this kind and name. Throws where there is none. */
export function objectOf(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`There is no ${kind} ${name}`);
  return found;
}
