import type { Conn, Endpoint, Net } from "../runtime/net.ts";

/** A client that writes what it is told, which need not be HTTP, and reads what comes. */
export class RawClient implements Disposable {
  readonly #conn: Conn;
  #text = "";

  constructor(conn: Conn) {
    this.#conn = conn;
  }

  /** Connects. */
  static async connect(net: Net, to: Endpoint): Promise<RawClient> {
    return new RawClient(await net.connect(to, new AbortController().signal));
  }

  /** Writes text, each character a byte, or bytes. */
  async write(what: string | Uint8Array): Promise<void> {
    await this.#conn.write(typeof what === "string" ? Uint8Array.from(what, (char) => char.charCodeAt(0)) : what);
  }

  /** Ends this side's half. */
  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Everything that came, once it matches. Throws when the connection ends before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text)) {
      if (!await this.#more()) throw new Error(`The connection ended after: ${JSON.stringify(this.#text)}`);
    }
    return this.#text;
  }

  /** Everything that comes until the connection ends, in whatever way. */
  async untilEnd(): Promise<string> {
    while (await this.#more().catch(() => false));
    return this.#text;
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.#conn.read(buffer);
    if (count === null) return false;
    this.#text += String.fromCharCode(...buffer.subarray(0, count));
    return true;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}
