import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Gauge, Metrics } from "../runtime/metrics.ts";
import { orAbort } from "../runtime/or_abort.ts";
import type { ClientTlsFiles } from "../runtime/tls_files.ts";
import {
  CONNECT_TIMEOUT_MS,
  createRedisClient,
  type RedisClient,
  type RedisOptions,
  type RedisReply,
} from "./client.ts";

/** How often a connection is asked whether it still works, and how long it may think about that. */
const PROBE_INTERVAL_MS = 5_000;
const PROBE_TIMEOUT_MS = 2_000;
/** The pause between two attempts to connect: at first, and at most, for it doubles. */
const RECONNECT_PAUSE_MS = { first: 1_000, most: 8_000 };
/** How long ending a connection is waited for: sentinels first wait for what they were at, which may never end. */
const DESTROY_TIMEOUT_MS = 1_000;
/** How long a command may take that does not say. */
const COMMAND_TIMEOUT_MS = 5_000;

/** How long a command may take, and who may give it up. */
export interface CommandLimits {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One database of Redis. It may be away for any time, and comes back by itself. */
export interface Redis {
  /** Its address, without credentials. */
  readonly place: string;
  /**
   * Sends a command about `key`. Fails with `unavailable` while Redis cannot be reached and when it does not answer in
   * time, which does not say whether the command was carried out, and with `failed_precondition` when it refuses.
   */
  send(key: string, args: readonly string[], limits?: CommandLimits): Promise<RedisReply>;
}

/** What a connection to Redis takes from outside. */
export interface RedisEffects {
  /** What becomes of the work while Redis is away, for people who read the log. */
  readonly without: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Connects to a database of Redis, now and whenever that is lost. It does not wait: nobody needs Redis to start. */
export function openRedis(place: string, options: RedisOptions, effects: RedisEffects): Redis & AsyncDisposable {
  const create: CreateClient = (onError) => createRedisClient(options, onError);
  return new RedisLink(place, create, effects, options.tls?.files);
}

/** Makes a client that is not connected yet, and which tells of what breaks it. */
export type CreateClient = (onError: (error: Error) => void) => Promise<RedisClient>;

/** A connection that was made, until it is ended. */
interface Connection {
  readonly client: RedisClient;
  /** Aborts when it breaks, or is not needed any more. */
  readonly signal: AbortSignal;
  end(): Promise<void>;
}

/** A connection that is replaced when it breaks. Its state is told once, when it changes. */
export class RedisLink implements Redis, AsyncDisposable {
  readonly place: string;
  readonly #create: CreateClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #without: string;
  readonly #up: Gauge;
  readonly #stop = new AbortController();
  readonly #renewals: Disposable | undefined;
  readonly #ended: Promise<void>;
  /** The connection that works; undefined while there is none. */
  #client: RedisClient | undefined;
  /** Undefined until it is known. */
  #isUp: boolean | undefined;
  /** Whether a connection would be made with other certificates now. */
  #isOutdated = false;
  /** How often certificates were renewed. */
  #renewalCount = 0;
  /** The count at those of which it has been told that Redis does not take them. */
  #refusedRenewal: number | undefined;

  /** `certificates` says when those that connections are made with have changed. */
  constructor(
    place: string,
    create: CreateClient,
    { clock, log, metrics, without }: RedisEffects,
    certificates?: Pick<ClientTlsFiles, "onChange">,
  ) {
    this.place = place;
    this.#create = create;
    this.#clock = clock;
    this.#log = log;
    this.#without = without;
    this.#up = metrics.gauge("damselfly_redis_up", "Whether a database of Redis can be used.", ["place"]);
    this.#up.set({ place }, 0);
    this.#renewals = certificates?.onChange(() => {
      this.#isOutdated = true;
      this.#renewalCount++;
    });
    this.#ended = this.#run();
  }

  async send(key: string, args: readonly string[], limits: CommandLimits = {}): Promise<RedisReply> {
    const { timeoutMs = COMMAND_TIMEOUT_MS, signal } = limits;
    signal?.throwIfAborted();
    const client = this.#client;
    if (client === undefined) {
      throw new DamselflyError("unavailable", `Cannot reach Redis at ${this.place}: there is no connection`);
    }
    using limit = this.#clock.deadline(timeoutMs);
    const either = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
    try {
      return await orAbort(client.send(key, args), either);
    } catch (cause) {
      signal?.throwIfAborted();
      const isRefused = !limit.signal.aborted && isReply(cause);
      const why = limit.signal.aborted ? `it did not answer within ${timeoutMs} ms` : errorText(cause);
      const code = isRefused ? "failed_precondition" : "unavailable";
      throw new DamselflyError(code, `Cannot use Redis at ${this.place}: ${why}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#renewals?.[Symbol.dispose]();
    this.#stop.abort(new DamselflyError("cancelled", "Redis is not needed any more"));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { first, most } = RECONNECT_PAUSE_MS;
    for (let pauseMs = first; !signal.aborted; pauseMs = Math.min(2 * pauseMs, most)) {
      try {
        await this.#live(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#isUp) pauseMs = first;
        this.#note(false, error);
      }
      await this.#clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  /**
   * The life of a connection, and of those that follow it because certificates were renewed: then the next one is made
   * first, and what is under way on the other one has its time. Where Redis refuses the new ones, the connection that
   * works stays. Throws what ends it.
   */
  async #live(signal: AbortSignal): Promise<void> {
    let current = await this.#connected(signal);
    let outgoing: Connection | undefined;
    try {
      for (;;) {
        await this.#probe(current);
        this.#client = current.client;
        this.#note(true);
        await this.#clock.sleep(PROBE_INTERVAL_MS, current.signal);
        await outgoing?.end();
        outgoing = undefined;
        const next = this.#isOutdated ? await this.#successor(signal) : undefined;
        if (next !== undefined) [outgoing, current] = [current, next];
      }
    } finally {
      this.#client = undefined;
      await outgoing?.end();
      await current.end();
    }
  }

  /** A connection with the renewed certificates that works; undefined, and told once, while Redis does not take them. */
  async #successor(signal: AbortSignal): Promise<Connection | undefined> {
    const renewal = this.#renewalCount;
    let next: Connection | undefined;
    try {
      next = await this.#connected(signal);
      await this.#probe(next);
      return next;
    } catch (error) {
      await next?.end();
      signal.throwIfAborted();
      if (this.#refusedRenewal !== renewal) {
        const message =
          "Redis does not take the renewed TLS files, see database.redis.tls: the connection before stays";
        this.#log.warn(message, { place: this.place, error });
      }
      this.#isOutdated = true;
      this.#refusedRenewal = renewal;
      return undefined;
    }
  }

  async #probe({ client, signal }: Connection): Promise<void> {
    await this.#limited(client.send(undefined, ["PING"]), PROBE_TIMEOUT_MS, signal);
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    this.#isOutdated = false;
    const broken = new AbortController();
    const client = await this.#create((error) => broken.abort(error));
    const connecting = client.connect();
    const either = AbortSignal.any([signal, broken.signal]);
    const end = async () => {
      // What a client says that is given up is of no use to anybody. One that connects late has more to end then.
      const destroy = () => client.destroy().catch(() => undefined);
      using limit = this.#clock.deadline(DESTROY_TIMEOUT_MS);
      await orAbort(destroy(), limit.signal).catch(() => undefined);
      connecting.then(destroy, () => undefined);
    };
    try {
      await this.#limited(connecting, CONNECT_TIMEOUT_MS, either);
    } catch (error) {
      await end();
      throw error;
    }
    return { client, signal: either, end };
  }

  async #limited(work: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
    using limit = this.#clock.deadline(ms);
    await orAbort(work, AbortSignal.any([limit.signal, signal]));
  }

  #note(isUp: boolean, error?: unknown): void {
    if (isUp === this.#isUp) return;
    const { place } = this;
    this.#isUp = isUp;
    this.#up.set({ place }, isUp ? 1 : 0);
    if (isUp) this.#log.info("Redis can be used", { place });
    else {
      this.#log.warn(`Redis cannot be used, check database.redis: ${this.#without}`, { place, error });
    }
  }
}

/** Whether Redis said so itself: its errors begin with a word in capitals (RESP, "Simple errors"). */
function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{3,}( |$)/.test(error.message);
}
