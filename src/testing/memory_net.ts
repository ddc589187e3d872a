import { DamselflyError } from "../core/error.ts";
import type { Conn, Endpoint, Listener, Net } from "../runtime/net.ts";

const FIRST_EPHEMERAL_PORT = 40_000;

/** How many bytes a connection takes before a writer must wait for the reader. */
const PIPE_BYTES_MAX = 64 * 1024;

/** One direction of a connection: bounded, so that a slow reader slows the writer. */
class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #error: Error | undefined;
  #wake = Promise.withResolvers<void>();

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      while (this.#bytes >= PIPE_BYTES_MAX && this.#error === undefined && !this.#isEnded) await this.#wake.promise;
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) throw new Error("Broken pipe");
      const chunk = bytes.slice(offset, offset + PIPE_BYTES_MAX - this.#bytes);
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      offset += chunk.length;
      this.#changed();
    }
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return null;
      await this.#wake.promise;
    }
    const chunk = this.#chunks.shift() ?? new Uint8Array();
    const part = chunk.subarray(0, into.length);
    into.set(part);
    if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
    this.#bytes -= part.length;
    this.#changed();
    return part.length;
  }

  /** No more bytes will come; what is there can still be read. */
  end(): void {
    this.#isEnded = true;
    this.#changed();
  }

  /** Nothing can be read or written any more. */
  break(error: Error): void {
    this.#error ??= error;
    this.#changed();
  }

  #changed(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

class MemoryConn implements Conn {
  readonly remote: Endpoint;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(remote: Endpoint, incoming: Pipe, outgoing: Pipe) {
    this.remote = remote;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#incoming.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#outgoing.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#outgoing.end();
    return Promise.resolve();
  }

  close(): void {
    this.#outgoing.end();
    this.#incoming.break(new Error("The connection is closed"));
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

class MemoryListener implements Listener {
  readonly hostname: string;
  readonly port: number;
  readonly #waiting: Conn[] = [];
  readonly #onDispose: () => void;
  #isClosed = false;
  #wake = Promise.withResolvers<void>();

  constructor(on: Endpoint, onDispose: () => void) {
    this.hostname = on.hostname;
    this.port = on.port;
    this.#onDispose = onDispose;
  }

  deliver(conn: Conn): void {
    this.#waiting.push(conn);
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Conn> {
    while (!this.#isClosed) {
      const conn = this.#waiting.shift();
      if (conn !== undefined) {
        yield conn;
        continue;
      }
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onDispose();
    for (const conn of this.#waiting) conn.close();
    this.#wake.resolve();
  }
}

/** TCP in memory: every address is reachable by every other one that uses the same net. */
export class MemoryNet implements Net {
  readonly #listeners = new Map<string, MemoryListener>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  listen(on: Endpoint): Listener {
    const port = on.port === 0 ? this.#nextPort++ : on.port;
    const key = `${on.hostname}:${port}`;
    if (this.#listeners.has(key)) {
      throw new DamselflyError("already_exists", `Cannot listen on ${key}: the port is in use`);
    }
    const listener = new MemoryListener({ hostname: on.hostname, port }, () => this.#listeners.delete(key));
    this.#listeners.set(key, listener);
    return listener;
  }

  /** There is no TLS in memory. */
  secure(): Promise<Conn> {
    return Promise.reject(new DamselflyError("unimplemented", "Cannot speak TLS in memory"));
  }

  /** Names stand for themselves here. */
  resolve(hostname: string): Promise<string[]> {
    return Promise.resolve([hostname]);
  }

  connect(to: Endpoint, signal: AbortSignal): Promise<Conn> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const listener = this.#listeners.get(`${to.hostname}:${to.port}`) ?? this.#listeners.get(`0.0.0.0:${to.port}`);
    if (listener === undefined) {
      return Promise.reject(
        new DamselflyError("unavailable", `Cannot connect to ${to.hostname}:${to.port}: connection refused`),
      );
    }
    const [there, back] = [new Pipe(), new Pipe()];
    listener.deliver(new MemoryConn({ hostname: "127.0.0.1", port: this.#nextPort++ }, there, back));
    return Promise.resolve(new MemoryConn(to, back, there));
  }
}
