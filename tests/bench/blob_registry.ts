/** A registry that costs as little as one can: every repository has one blob, and gives it under any digest. */
import { createHash } from "node:crypto";
import { contentRangeHeader, resolveRange } from "../../src/core/byte_range.ts";

const MIB = 1024 * 1024;

/** Blocks that are kept: to make one takes longer than to answer. */
const BLOCKS_MAX = 16;
const blocks = new Map<string, Uint8Array<ArrayBuffer>>();

/** One mebibyte of a content; contents of different names differ in the first bytes of each. */
function blockOf(name: string): Uint8Array<ArrayBuffer> {
  const known = blocks.get(name);
  if (known !== undefined) return known;
  const block = new Uint8Array(MIB);
  for (let i = 0; i < MIB; i++) block[i] = (i * 7 + (i >> 8) * 13) & 0xff;
  block.set(createHash("sha256").update(name).digest());
  blocks.set(name, block);
  const [oldest] = blocks.keys();
  if (blocks.size > BLOCKS_MAX && oldest !== undefined) blocks.delete(oldest);
  return block;
}

/** The digest of the blob of a repository, which is whole mebibytes long. */
export function digestOf(name: string, contentBytes: number): string {
  const block = blockOf(name);
  const hash = createHash("sha256");
  for (let done = 0; done < contentBytes; done += MIB) hash.update(block);
  return `sha256:${hash.digest("hex")}`;
}

/** A registry that runs. */
export interface BlobRegistry {
  readonly port: number;
  /** Bytes of blobs that it has given away. */
  sentBytes(): number;
}

/** Starts it; each blob has so many bytes. */
export function startBlobRegistry(hostname: string, contentBytes: number): BlobRegistry {
  let sentBytes = 0;
  const server = Deno.serve({ hostname, port: 0, onListen() {} }, (request) => {
    const block = blockOf(new URL(request.url).pathname.split("/")[2] ?? "");
    const asked = resolveRange(request.headers.get("range"), contentBytes);
    const range = asked.kind === "part" ? asked.range : { start: 0, end: contentBytes };
    const headers = new Headers({ "content-length": String(range.end - range.start), "accept-ranges": "bytes" });
    if (asked.kind === "part") headers.set("content-range", contentRangeHeader(range, contentBytes));
    let position = range.start;
    const body = request.method === "HEAD" ? null : new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: 256 * 1024,
      pull(controller) {
        const { view } = controller.byobRequest ?? {};
        if (view === undefined || view === null) return;
        const into = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
        const at = position % MIB;
        const part = block.subarray(at, Math.min(at + into.length, MIB, at + range.end - position));
        into.set(part);
        position += part.length;
        sentBytes += part.length;
        controller.byobRequest?.respond(part.length);
        if (position === range.end) controller.close();
      },
    }, { highWaterMark: 0 });
    return new Response(body, { status: asked.kind === "part" ? 206 : 200, headers });
  });
  return { port: server.addr.port, sentBytes: () => sentBytes };
}
