import { contentRangeHeader, resolveRange } from "../core/byte_range.ts";

/** What a plain file server answers: all of a content, or the range that is asked for, or that it has no such range. */
export function rangeAnswer(
  request: Request,
  content: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const all = { "accept-ranges": "bytes", ...headers };
  const asked = resolveRange(request.headers.get("range"), content.length);
  if (asked.kind === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${content.length}` } });
  }
  const { start, end } = asked.kind === "part" ? asked.range : { start: 0, end: content.length };
  const isPart = asked.kind === "part";
  return new Response(request.method === "HEAD" ? null : content.slice(start, end), {
    status: isPart ? 206 : 200,
    headers: {
      ...all,
      "content-length": `${end - start}`,
      ...(isPart && { "content-range": contentRangeHeader({ start, end }, content.length) }),
    },
  });
}
