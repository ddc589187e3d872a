import { DamselflyError } from "../core/error.ts";
import type { Conn, Endpoint } from "../runtime/net.ts";

/** Of an answer to CONNECT, which has a few headers and no body that is wanted. */
const HEAD_BYTES_MAX = 16 * 1024;

/**
 * Asks the proxy at the end of `conn` for a tunnel to `target`: what is written and read afterwards is between us and
 * that. Throws `unavailable` with what the proxy answered. Whoever has the connection closes it when `signal` aborts.
 */
export async function openTunnel(
  conn: Conn,
  { hostname, port }: Endpoint,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const authority = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const login = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  const close = () => conn.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await conn.write(new TextEncoder().encode(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`));
    const [status = ""] = (await readHead(conn)).split("\r\n", 1);
    if (/^HTTP\/1\.[01] 2\d\d(?: |$)/.test(status)) return;
    const what = `its proxy ${conn.remote.hostname}:${conn.remote.port} refused a tunnel: ${status.slice(0, 200)}`;
    throw new DamselflyError("unavailable", what);
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** Byte by byte, for what comes after the head is not ours; nobody has more than a few tunnels begin at a time. */
async function readHead(conn: Conn): Promise<string> {
  const byte = new Uint8Array(1);
  let text = "";
  while (!text.endsWith("\r\n\r\n")) {
    if (text.length >= HEAD_BYTES_MAX) throw new DamselflyError("unavailable", "the answer of its proxy has no end");
    if (await conn.read(byte) === null) throw new DamselflyError("unavailable", "its proxy ended the connection");
    text += String.fromCharCode(byte[0] ?? 0);
  }
  return text;
}
