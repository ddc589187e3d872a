import type { Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { chooseCoding } from "./content_coding.ts";
import type { ConsoleFile, ConsoleFiles } from "./console_pack.ts";
import type { RestEnv } from "../rest/context.ts";

/** The console's own scripts and styles, its own API, and nothing of other sites; nobody may frame it. */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "font-src 'self'"],
  ...["connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"],
].join("; ");
const PAGE_HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  // It names the files of this build; a browser asks each time, and mostly hears that nothing has changed.
  "cache-control": "no-cache",
};
const ASSET_HEADERS = {
  "x-content-type-options": "nosniff",
  "cache-control": "public, max-age=31536000, immutable",
};
const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Damselfly manager</title>
<h1>The console is not built</h1>
<p>The manager runs, and its <a href="/swagger/index.html">API</a> answers. To have the console too, run
<code>deno task console</code> in the checkout and restart the manager.</p>
</html>
`;

/**
 * Serves the console: its files, and the same first file for each of its pages, so that a link into it works. What is at
 * no path of ours stays not found, but browsers are shown a page that says so. Added after all other routes.
 */
export function serveConsole(app: Hono<RestEnv>, files: ConsoleFiles | undefined): void {
  if (files === undefined) {
    app.on("GET", ["/", "*"], (c) => {
      if (c.req.path !== "/" && !wantsPage(c)) return c.notFound();
      return c.html(NOT_BUILT, 503, { ...PAGE_HEADERS, "cache-control": "no-store" });
    });
    return;
  }
  app.get("/assets/*", (c) => {
    const file = files.asset(c.req.path);
    return file === undefined ? c.notFound() : answer(c, file, ASSET_HEADERS);
  });
  app.on("GET", ["/", "*"], (c) => {
    if (files.isPage(c.req.path)) return answer(c, files.index, PAGE_HEADERS);
    return wantsPage(c) ? answer(c, files.index, PAGE_HEADERS, 404) : c.notFound();
  });
}

/** Whether a browser is on its way to a page; programs ask for anything, and want to know that there is nothing. */
function wantsPage(c: Context<RestEnv>): boolean {
  return /\btext\/html\b/.test(c.req.header("accept") ?? "");
}

function answer(
  c: Context<RestEnv>,
  file: ConsoleFile,
  headers: Readonly<Record<string, string>>,
  status: ContentfulStatusCode = 200,
): Response {
  const coding = chooseCoding(c.req.header("accept-encoding"));
  // One for each coding: the bytes differ (RFC 9110 §8.8.3.3).
  const etag = `"${file.etag}-${coding}"`;
  const all = { ...headers, etag, vary: "accept-encoding" };
  if (status === 200 && isKnown(c.req.header("if-none-match"), etag)) return c.body(null, 304, all);
  const encoding = coding === "identity" ? {} : { "content-encoding": coding };
  return c.body(file.body(coding), status, { ...all, ...encoding, "content-type": file.type });
}

function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || header.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}
