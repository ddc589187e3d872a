/** What a release is made of, as CycloneDX 1.5. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { VERSION } from "../core/version.ts";
import type { Origin } from "./origin.ts";

/** What is used of `deno.lock`. */
const Lock = z.object({
  version: z.literal("5"),
  specifiers: z.record(z.string(), z.string()),
  npm: z.record(
    z.string(),
    z.object({ integrity: z.string(), dependencies: z.array(z.string()).default([]) }),
  ),
});

/** What is used of a `deno.json`. */
const Imports = z.object({ imports: z.record(z.string(), z.string()) });

/** A package of a system or a runtime, besides those of npm. */
export interface OtherPackage {
  readonly name: string;
  readonly version: string;
  /** Where it comes from, as a package URL. */
  readonly purl: string;
}

/** A package of Debian, by a line with its name, version and architecture. */
export function debianPackage(line: string): OtherPackage {
  const [name = "", version = "", architecture = ""] = line.split(" ");
  // Versions have colons and pluses, which mean something in a URL.
  return { name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}` };
}

/** What a release is made of. */
export interface SbomParts {
  readonly lock: string;
  /** The texts of `deno.json` and of those of its members. */
  readonly configs: readonly string[];
  /** Names in `imports` that nothing shipped imports: tools and tests. */
  readonly unshipped: readonly string[];
  readonly others: readonly OtherPackage[];
  readonly origin: Origin;
}

/**
 * The list of all packages of npm that shipped code can hold, with their hashes, and of what else is shipped. Throws
 * `failed_precondition` when the lock does not have what the configurations import.
 */
export function sbomOf({ lock: text, configs, unshipped, others, origin }: SbomParts): string {
  const lock = Lock.parse(JSON.parse(text));
  const specifiers = configs.flatMap((config) => Object.entries(Imports.parse(JSON.parse(config)).imports))
    .filter(([name]) => !unshipped.includes(name)).map(([, specifier]) => specifier);
  const packages = packagesBelow(specifiers, lock);
  const components = [
    ...others.map(({ name, version, purl }) => ({ type: "library", "bom-ref": purl, name, version, purl })),
    ...packages.map((id) => componentOf(id, lock.npm[id]?.integrity ?? "")),
  ];
  const content = JSON.stringify(components) + origin.commit;
  return `${
    JSON.stringify(
      {
        $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
        bomFormat: "CycloneDX",
        specVersion: "1.5",
        serialNumber: `urn:uuid:${uuidOf(content)}`,
        version: 1,
        metadata: {
          timestamp: new Date(origin.time * 1000).toISOString(),
          component: {
            type: "application",
            name: "damselfly",
            version: VERSION,
            ...origin.commit === undefined ? {} : { properties: [{ name: "commit", value: origin.commit }] },
          },
        },
        components,
      },
      undefined,
      2,
    )
  }\n`;
}

/** The ids of packages in the lock: what specifiers lead to, and all that these depend on. */
function packagesBelow(specifiers: readonly string[], { specifiers: versions, npm }: z.infer<typeof Lock>): string[] {
  const nameOf = (id: string) => id.slice(0, id.indexOf("@", 1));
  const single = new Map(Object.keys(npm).map((id) => [nameOf(id), id]));
  const found = new Set<string>();
  const waiting = specifiers.map((specifier) => {
    const name = nameOf(specifier.slice("npm:".length));
    return `${name}@${versions[specifier] ?? ""}`;
  });
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    // Where a lock has one version of a package only, its dependents name it without.
    const entry = npm[id] === undefined ? single.get(id) : id;
    if (entry === undefined) {
      throw new DamselflyError("failed_precondition", `Cannot find ${id} in deno.lock: run deno install`);
    }
    if (found.has(entry)) continue;
    found.add(entry);
    waiting.push(...npm[entry]?.dependencies ?? []);
  }
  return [...found].sort();
}

function componentOf(id: string, integrity: string) {
  // Behind an underscore are the versions of peers that the package was resolved with.
  const [, group, name = "", version = ""] = /^(?:(@[^/]+)\/)?([^@]+)@([^_]+)/.exec(id) ?? [];
  const purl = `pkg:npm/${group === undefined ? "" : `${group.replace("@", "%40")}/`}${name}@${version}`;
  const hash = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  return {
    ...{ type: "library", "bom-ref": purl, ...group !== undefined && { group }, name, version, purl },
    hashes: [{ alg: "SHA-512", content: hash }],
  };
}

/** An id that is the same for the same content. */
function uuidOf(content: string): string {
  const hex = createHash("sha256").update(content).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
