import * as z from "zod";
import { SCHEMAS } from "../../config/generate.ts";
import { canonicalPath, type ConfigKey, keysOf, printed } from "../../config/keys.ts";
import { fileMetaOf } from "../../config/load.ts";
import type { Finding } from "./judge.ts";
import type { Kind } from "./kind.ts";

/** YAML keys, with their defaults; a section is a component. */
export function keys(): Kind {
  const schemas = new Map(SCHEMAS.map((schema) => [fileMetaOf(schema).component, schema]));
  const known = new Map(
    [...schemas].map(([component, schema]) => [component, new Map(keysOf(schema).map((key) => [key.path, key]))]),
  );
  const keysAt = (at: string) => known.get(at) ?? new Map<string, ConfigKey>();
  const canonical = (at: string, path: string) => {
    const schema = schemas.get(at);
    return schema === undefined ? undefined : canonicalPath(schema, path);
  };
  return {
    name: "keys",
    find: ({ at }, name, fact) => {
      const path = canonical(at, name);
      const key = path === undefined ? undefined : keysAt(at).get(path);
      if (key === undefined) return { verdict: "no" };
      const finding = comparedKey(key, fact);
      if (path === name || finding.verdict === "no") return finding;
      const why = `read as \`${path}\`, with a warning`;
      return { verdict: "differs", why: finding.why === undefined ? why : `${why}; ${finding.why}` };
    },
    alone: ({ at }, things) => {
      const theirs = new Set(things.map((name) => canonical(at, name)));
      // Keys without effect are those of older versions of Dragonfly.
      return [...keysAt(at).values()].flatMap(({ path, ignored }) =>
        ignored !== undefined || things.some((name) => name.startsWith(`${path}.`)) || theirs.has(path) ? [] : [path]
      );
    },
  };
}

function comparedKey(key: ConfigKey, theirDefault: unknown): Finding {
  if (key.ignored !== undefined) return { verdict: "no", why: key.ignored };
  if (key.isRequired) return { verdict: "yes" };
  const ours = ["", "[]", "{}"].includes(key.defaultText) ? "none" : `\`${key.defaultText}\``;
  if (theirDefault === null || theirDefault === undefined) {
    return ours === "none" ? { verdict: "yes" } : { verdict: "differs", why: `default ${ours}, none in Dragonfly` };
  }
  const parsed = z.safeParse(key.schema, theirDefault);
  if (!parsed.success) {
    return { verdict: "differs", why: `default ${ours}; Dragonfly's \`${theirDefault}\` is refused` };
  }
  const theirs = `\`${printed(key.schema, parsed.data)}\``;
  return theirs === ours ? { verdict: "yes" } : { verdict: "differs", why: `default ${ours}, ${theirs} in Dragonfly` };
}
