/** A place to connect to or to listen on. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** Whether an IP address to listen on is that of all interfaces, which nobody can connect to. */
export function isEveryAddress(ip: string): boolean {
  return ["0.0.0.0", "::"].includes(ip);
}

/** By which address this host reaches a server of its own that listens on `ip`. */
export function localIpOf(ip: string): string {
  if (!isEveryAddress(ip)) return ip;
  return ip === "::" ? "::1" : "127.0.0.1";
}

/** A TCP connection. A closed or broken one rejects what waits on it. */
export interface Conn extends Disposable {
  /** Reads what is there, at most `into.length` bytes; `null` at the end of the stream. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes all of `bytes`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends FIN: the other side sees the end of the stream, and can still answer. */
  closeWrite(): Promise<void>;
  close(): void;
  readonly remote: Endpoint;
}

/** A listening socket: iterate it for connections; disposing it ends the iteration. */
export interface Listener extends Disposable, AsyncIterable<Conn> {
  readonly hostname: string;
  readonly port: number;
}

/** What TLS with a server needs. */
export interface ServerTrust {
  /** The name or address that its certificate must be for. */
  readonly hostname: string;
  /** PEM texts of authorities that are trusted besides Mozilla's. */
  readonly authorities: readonly string[];
}

/** Raw TCP as an argument. */
export interface Net {
  /** Connects, or throws `unavailable` (nobody there), or rejects with the signal's reason. */
  connect(to: Endpoint, signal: AbortSignal): Promise<Conn>;
  /**
   * Speaks TLS, as a client of HTTP/1.1, on a connection of this net that nobody reads from; it belongs to the new one.
   * Throws `unavailable` when the other side has no certificate that is trusted, or rejects with the signal's reason.
   */
  secure(conn: Conn, trust: ServerTrust, signal: AbortSignal): Promise<Conn>;
  /** The addresses of a name, or the address that it is, or throws `unavailable`. */
  resolve(hostname: string): Promise<string[]>;
  /**
   * Listens; port 0 lets the system choose. Throws `already_exists` when the port is in use. `onTrouble` learns why
   * connections cannot be accepted for a while, once until they can be again.
   */
  listen(on: Endpoint, onTrouble?: (error: unknown) => void): Listener;
}
