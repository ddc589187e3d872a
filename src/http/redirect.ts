const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Redirects that are followed one after the other. */
export const REDIRECTS_MAX = 10;

/** Request headers that another origin may see. An allow-list: credentials have more names than anybody can list. */
export const CROSS_ORIGIN: ReadonlySet<string> = new Set([
  ...["accept", "accept-encoding", "accept-language", "range", "user-agent"],
]);

type HeaderMap = Readonly<Record<string, string>>;

/** Where an answer sends its requester, and with which headers; or why he does not go. */
export type Redirect = { readonly url: URL; readonly headers: HeaderMap } | { readonly refused: string };

/** What an answer to a request for `url` with `headers` redirects to; undefined when it does not. */
export function redirectOf(response: Response, url: URL, headers: HeaderMap): Redirect | undefined {
  const location = response.headers.get("location");
  if (!REDIRECTS.has(response.status) || location === null) return undefined;
  if (!URL.canParse(location, url)) return { refused: "it redirects to something that is not a URL" };
  const next = new URL(location, url);
  if (next.protocol !== "http:" && next.protocol !== "https:") {
    return { refused: `it redirects to the scheme ${next.protocol}` };
  }
  if (url.protocol === "https:" && next.protocol === "http:") {
    return { refused: `it redirects to plain HTTP at ${next.origin}${next.pathname}, which is refused` };
  }
  // Credentials in a location are the redirecting server's idea, not the requester's; fetch refuses them too.
  next.username = "";
  next.password = "";
  return { url: next, headers: next.origin === url.origin ? headers : crossOriginHeaders(headers) };
}

/** The headers of a request that may follow a redirect to another origin. */
function crossOriginHeaders(headers: HeaderMap): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => CROSS_ORIGIN.has(name.toLowerCase())));
}
