/** Connections to a database server, whichever it is. */
import { DamselflyError } from "../../../core/error.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { RawRow, SqlValue } from "./database.ts";

/** What a statement brought. */
export interface ServerResult {
  readonly rows: readonly RawRow[];
  /** How many rows it found to change. */
  readonly changes: number;
  /** The id of the row that it added. */
  readonly id: unknown;
}

/** A connection of a driver. */
export interface ServerConnection {
  /** False once it broke, also while nobody used it. */
  readonly isOpen: boolean;
  query(statement: string, values: readonly SqlValue[]): Promise<ServerResult>;
  /** Ends it in good order. */
  end(): Promise<void>;
  /** Ends it at once, whatever it is doing. */
  destroy(): void;
}

/** Connections at a time; a statement or a transaction has one. */
const CONNECTIONS_MAX = 16;
/** Statements and transactions that may wait for one; each request and each stream has one at a time. */
const WAITING_MAX = 10_000;
/** How long they may wait. */
const WAIT_TIMEOUT_MS = 10_000;
/** How long the end of a connection may take before it is cut. */
const END_TIMEOUT_MS = 2_000;

/** What a pool takes from outside. */
export interface ServerPoolOptions {
  readonly clock: Clock;
  connect(): Promise<ServerConnection>;
}

/**
 * Lends connections. One that broke is thrown away and the next use makes another, so a server that was away is used
 * again as soon as it is back.
 */
export class ServerPool implements AsyncDisposable {
  readonly #options: ServerPoolOptions;
  readonly #idle: ServerConnection[] = [];
  readonly #waiting = new Set<() => void>();
  #lent = 0;

  constructor(options: ServerPoolOptions) {
    this.#options = options;
  }

  /**
   * Lends a connection to `work`, and cuts it when `isSpoilt` says so of the error that `work` ended with. Fails with
   * `unavailable` when none is free in time, and as `work` does.
   */
  async use<T>(work: (connection: ServerConnection) => Promise<T>, isSpoilt: (error: unknown) => boolean): Promise<T> {
    await this.#turn();
    let connection: ServerConnection | undefined;
    try {
      connection = this.#takeIdle() ?? await this.#options.connect();
      const result = await work(connection);
      this.#idle.push(connection);
      return result;
    } catch (error) {
      if (connection !== undefined) {
        if (isSpoilt(error)) connection.destroy();
        else this.#idle.push(connection);
      }
      throw error;
    } finally {
      this.#lent--;
      const [next] = this.#waiting;
      next?.();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((connection) => this.#end(connection)));
  }

  #takeIdle(): ServerConnection | undefined {
    while (true) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isOpen) return connection;
      connection.destroy();
    }
  }

  /** Waits until fewer than all connections are lent, and counts one more. */
  async #turn(): Promise<void> {
    if (this.#lent >= CONNECTIONS_MAX) {
      if (this.#waiting.size >= WAITING_MAX) throw busy();
      using limit = this.#options.clock.deadline(WAIT_TIMEOUT_MS);
      const turn = Promise.withResolvers<void>();
      const onTurn = () => turn.resolve();
      limit.signal.addEventListener("abort", () => turn.reject(busy()), { once: true });
      this.#waiting.add(onTurn);
      await turn.promise.finally(() => this.#waiting.delete(onTurn));
    }
    this.#lent++;
  }

  async #end(connection: ServerConnection): Promise<void> {
    using limit = this.#options.clock.deadline(END_TIMEOUT_MS);
    limit.signal.addEventListener("abort", () => connection.destroy(), { once: true });
    if (connection.isOpen) await connection.end().catch(() => connection.destroy());
  }
}

function busy(): DamselflyError {
  return new DamselflyError("unavailable", "Cannot use the database: all connections to it are busy");
}
