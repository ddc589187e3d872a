/** The tokens of a registry, as Docker's registries give them (distribution, "Token Authentication Specification"). */
import type { Login } from "./cri.ts";

/** Answers who has no token for what he asks for, and gives out tokens at `/token`; others it lets in. */
export function tokenDoor(
  readers: readonly (Login & { readonly repository: string })[],
): (request: Request) => Response | undefined {
  const logins = new Map(readers.map(({ username, password, repository }) => {
    return [`Basic ${btoa(`${username}:${password}`)}`, repository];
  }));
  const repositories = new Map<string, string>();

  return ({ url, headers }) => {
    const { pathname, origin } = new URL(url);
    const authorization = headers.get("authorization") ?? "";
    if (pathname === "/token") {
      const repository = logins.get(authorization);
      if (repository === undefined) return new Response(null, { status: 401 });
      const token = crypto.randomUUID();
      repositories.set(`Bearer ${token}`, repository);
      return Response.json({ token, expires_in: 300 });
    }
    const wanted = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(pathname)?.[1];
    const may = repositories.get(authorization);
    if (may !== undefined && (wanted === undefined || may === wanted)) return undefined;
    const scope = wanted === undefined ? "" : `,scope="repository:${wanted}:pull"`;
    const error = may === undefined ? "" : `,error="insufficient_scope"`;
    const challenge = `Bearer realm="${origin}/token",service="front"${scope}${error}`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
}
