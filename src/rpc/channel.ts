import "./http2_guard.ts";
import { Client, connectivityState, credentials } from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { stopConnecting } from "./channel_timers.ts";
import { MESSAGE_BYTES_MAX } from "./definition.ts";
import { MutualTlsCredentials } from "./tls.ts";

/** How long a connection may take to come up. */
const CONNECT_TIMEOUT_MS = 3_000;
/** The pause before the second attempt to connect; it doubles from there. */
const RECONNECT_BACKOFF_MS = 100;
/** The longest pause between attempts: how long a server that came back may go unnoticed. */
const RECONNECT_BACKOFF_MAX_MS = 2_000;
/** Stock servers close connections that ping more often than every 5 minutes. */
const KEEPALIVE_INTERVAL_MS = 300_000;
/** How long a ping may take. */
const KEEPALIVE_TIMEOUT_MS = 20_000;
/** A channel without calls gives its connection back after this time, and makes another when needed. */
const IDLE_TIMEOUT_MS = 600_000;

/** What a channel needs. */
export interface RpcChannelOptions {
  readonly clock: Clock;
  /** How long a connection may take to come up, in milliseconds. */
  readonly connectTimeoutMs?: number;
  /** Mutual TLS; without it the connection is plain. It must outlive the channel. */
  readonly tls?: TlsFiles | undefined;
}

/** One connection to one remote, `host:port` or `unix:/path`; made when first needed, and again when lost. */
export class RpcChannel implements Disposable {
  readonly address: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly #connectTimeoutMs: number;
  #callsRunning = 0;

  constructor(address: string, options: RpcChannelOptions) {
    this.address = address;
    this.clock = options.clock;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const { tls } = options;
    const security = tls === undefined ? credentials.createInsecure() : new MutualTlsCredentials(tls);
    this.client = new Client(address, security, {
      "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
      "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
      "grpc.initial_reconnect_backoff_ms": RECONNECT_BACKOFF_MS,
      "grpc.min_reconnect_backoff_ms": RECONNECT_BACKOFF_MS,
      "grpc.max_reconnect_backoff_ms": RECONNECT_BACKOFF_MAX_MS,
      "grpc.keepalive_time_ms": KEEPALIVE_INTERVAL_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.client_idle_timeout_ms": IDLE_TIMEOUT_MS,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_channelz": 0,
      "grpc.enable_retries": 0, // callers retry; grpc-js would keep copies of messages for it
      "grpc.enable_http_proxy": 0, // the node's HTTP proxy may be ourselves
      "grpc.service_config_disable_resolution": 1,
    });
  }

  /** Whether calls are running. */
  get busy(): boolean {
    return this.#callsRunning > 0;
  }

  /** Marks a call as running until disposed; a pool closes only channels that are not busy. */
  use(): Disposable {
    this.#callsRunning += 1;
    return { [Symbol.dispose]: () => this.#callsRunning -= 1 };
  }

  /**
   * Resolves when the connection is up or has failed; in the latter case the call itself says why. Fails with
   * `unavailable` when neither happens in time, and with the signal's reason when that aborts.
   */
  async settled(signal: AbortSignal): Promise<void> {
    if (this.#pendingState() === undefined) return;
    using limit = this.clock.deadline(this.#connectTimeoutMs);
    const either = AbortSignal.any([signal, limit.signal]);
    for (let state = this.#pendingState(); state !== undefined; state = this.#pendingState()) {
      await this.#stateChange(state, either);
      signal.throwIfAborted();
      if (!limit.signal.aborted) continue;
      const message = `Cannot connect to ${this.address}: no answer within ${this.#connectTimeoutMs} ms`;
      throw new DamselflyError("unavailable", message);
    }
  }

  /** Closes the connection. Calls that run go on to their end; new ones fail. */
  [Symbol.dispose](): void {
    stopConnecting(this.client);
    this.client.close();
  }

  /** The state, as long as the connection is neither up nor failed; asking makes it start. */
  #pendingState(): connectivityState | undefined {
    const state = this.client.getChannel().getConnectivityState(true);
    return state === connectivityState.IDLE || state === connectivityState.CONNECTING ? state : undefined;
  }

  #stateChange(state: connectivityState, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      signal.addEventListener("abort", done, { once: true });
      this.client.getChannel().watchConnectivityState(state, Infinity, done);
    });
  }
}
