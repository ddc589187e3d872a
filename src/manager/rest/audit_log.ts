import { errorText } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AuditInput, AuditStore } from "../store/audits.ts";
import type { Caller } from "./route.ts";

/** Requests that wait to be stored; more are dropped, for a request must not wait for its own record. */
const WAITING_MAX = 1_000;
/** As many are stored without waiting for the next round. */
const BATCH = 500;
const ROUND_INTERVAL_MS = 5_000;
/** Requests of strangers that are stored per round: whoever is nobody must not fill the disk, nor hide behind others. */
const STRANGERS_MAX = 100;
const PATH_CHARACTERS_MAX = 1_024;

/** What is known of a request when it is over. */
export interface AuditedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** Notes who asked for what, and stores it in rounds. Disposing it stores what is left. */
export class AuditLog implements AsyncDisposable {
  readonly #store: AuditStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timer: Disposable;
  #waiting: AuditInput[] = [];
  #strangers = 0;
  #dropped = 0;
  #storing: Promise<void> = Promise.resolve();
  #isStoring = false;

  constructor({ store, clock, log }: { store: { readonly audits: AuditStore }; clock: Clock; log: Log }) {
    this.#store = store.audits;
    this.#clock = clock;
    this.#log = log;
    this.#timer = clock.every(ROUND_INTERVAL_MS, () => {
      this.#strangers = 0;
      this.#storeSoon();
    });
  }

  /** Notes a request. */
  note(caller: Caller, { method, path, status }: AuditedRequest): void {
    const isStranger = caller.kind === "nobody";
    if (this.#waiting.length >= WAITING_MAX || (isStranger && this.#strangers >= STRANGERS_MAX)) {
      this.#dropped++;
      return;
    }
    if (isStranger) this.#strangers++;
    this.#waiting.push({
      ...actorOf(caller),
      eventType: "API",
      operation: method,
      operatedAtMs: this.#clock.wallMs(),
      state: status < 400 ? "SUCCESS" : "FAILURE",
      path: path.slice(0, PATH_CHARACTERS_MAX),
      statusCode: status,
      detail: {},
    });
    if (this.#waiting.length >= BATCH) this.#storeSoon();
  }

  /** Returns when all that was noted is stored. */
  async stored(): Promise<void> {
    await this.#storing;
    await this.#storeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.stored();
  }

  #storeSoon(): void {
    if (this.#isStoring) return;
    this.#isStoring = true;
    this.#storing = this.#storeAll().finally(() => this.#isStoring = false);
  }

  async #storeAll(): Promise<void> {
    if (this.#dropped > 0) this.#log.warn("Audits were dropped: too many requests at once", { dropped: this.#dropped });
    this.#dropped = 0;
    const audits = this.#waiting;
    if (audits.length === 0) return;
    this.#waiting = [];
    try {
      await this.#store.add(audits);
    } catch (error) {
      this.#log.error("Audits could not be stored", { audits: audits.length, error: errorText(error) });
    }
  }
}

function actorOf(caller: Caller): Pick<AuditInput, "actorType" | "actorName"> {
  if (caller.kind === "user") return { actorType: "USER", actorName: caller.user.name };
  if (caller.kind === "token") return { actorType: "PAT", actorName: caller.token.name };
  return { actorType: "UNKNOWN", actorName: "unknown" };
}
