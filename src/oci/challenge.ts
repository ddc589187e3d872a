/** What a registry demands of a requester without rights (RFC 9110 §11.6.1; distribution "token" authentication). */
export type Challenge =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service?: string; readonly scope?: string };

/** Parses a `WWW-Authenticate` header; undefined when it holds no scheme that we answer. */
export function parseChallenge(header: string | null): Challenge | undefined {
  const match = /^\s*(basic|bearer)\b\s*(.*)$/i.exec(header ?? "");
  if (match === null) return undefined;
  if (match[1]?.toLowerCase() === "basic") return { scheme: "basic" };
  const values = new Map<string, string>();
  for (const [, key = "", value = ""] of (match[2] ?? "").matchAll(/([a-z_]+)="([^"]*)"/gi)) values.set(key, value);
  const realm = values.get("realm");
  if (realm === undefined || !URL.canParse(realm)) return undefined;
  const service = values.get("service");
  const scope = values.get("scope");
  return {
    scheme: "bearer",
    realm,
    ...(service === undefined ? {} : { service }),
    ...(scope === undefined ? {} : { scope }),
  };
}
