import { DamselflyError } from "../core/error.ts";
import { orAbort } from "../runtime/or_abort.ts";
import type { Fetch } from "../runtime/runtime.ts";
import type { Destinations } from "./destination.ts";
import { type Redirect, redirectOf, REDIRECTS_MAX } from "./redirect.ts";

/**
 * `fetch` that looks at where each request goes, redirects included, and takes no credentials along to another origin.
 * `remoteIp` is who asks, as in {@link Destinations}. Besides what `fetch` throws, `permission_denied` for an address
 * where he may not go, and `source_error` for a redirect that is not followed.
 */
export function createGuardedFetch(
  fetch: Fetch,
  destinations: Pick<Destinations, "check">,
  remoteIp: string | undefined,
): Fetch {
  return async (input, init = {}) => {
    const signal = init.signal ?? new AbortController().signal;
    let at: Exclude<Redirect, { refused: string }> = {
      url: new URL(input),
      headers: Object.fromEntries(new Headers(init.headers)),
    };
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const { url: { origin, hostname }, url, headers } = at;
      await orAbort(destinations.check({ origin, hostname, remoteIp }), signal);
      const response = await fetch(url, { ...init, headers, redirect: "manual" });
      const redirect = redirectOf(response, url, headers);
      if (redirect === undefined) return response;
      await response.body?.cancel();
      if ("refused" in redirect) throw notFollowed(url, redirect.refused);
      at = redirect;
    }
    throw notFollowed(new URL(input), `it redirects more than ${REDIRECTS_MAX} times`);
  };
}

function notFollowed({ origin, pathname }: URL, why: string): DamselflyError {
  return new DamselflyError("source_error", `Cannot fetch ${origin}${pathname}: ${why}`);
}
