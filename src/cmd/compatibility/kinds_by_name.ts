/** Kinds of which the name is all that counts: headers and environment variables. */
import { REQUEST_HEADERS, RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { type Kind, present } from "./kind.ts";

/** Headers, with what they mean; a section is `requests` or `answers`. */
export function headers(): Kind {
  const namesAt = (at: string) => Object.values(at === "requests" ? REQUEST_HEADERS : RESPONSE_HEADERS);
  return {
    name: "headers",
    find: ({ at }, name, fact) => {
      const isThere = namesAt(at).some((known) => known === name.toLowerCase());
      return isThere ? { verdict: "yes", why: String(fact) } : { verdict: "no" };
    },
    alone: ({ at }, things) => {
      const known = new Set(things.map((name) => name.toLowerCase()));
      return namesAt(at).filter((name) => !known.has(name));
    },
  };
}

/** Environment variables; a section is a permission set of `deno.json`, for what is not in it cannot be read. */
export function variables(permissions: Readonly<Record<string, { readonly env?: readonly string[] }>>): Kind {
  return {
    name: "variables",
    find: ({ at }, name) => present(permissions[at]?.env?.some((allowed) => covers(allowed, name)) === true),
    alone: () => [],
  };
}

/** A permission may be for all names with a beginning. */
function covers(allowed: string, name: string): boolean {
  return allowed.endsWith("*") ? name.startsWith(allowed.slice(0, -1)) : allowed === name;
}
