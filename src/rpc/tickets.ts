/**
 * Tickets: by them schedulers and peers know that it is their manager who asks. Whoever may call them over the network
 * could otherwise learn from them which contents there are, and the digest of a private content is all that keeps others
 * of the network from it. The manager signs with Ed25519 (RFC 8032); its public key is taken from the manager of the
 * configuration, over a connection to it, so that no secret is configured or passed on.
 */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from "node:crypto";
import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RpcClient } from "./client.ts";
import { TicketsService } from "./gen/damselfly/v1/tickets.ts";
import { type CallContext, type RpcService, service } from "./service.ts";

const HEADER = "damselfly-ticket";
const PURPOSE = "tickets of a manager";
const KEY_BYTES = 32;
/** What stands before the 32 bytes of a key in DER (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
/** How old a ticket may be, and how much the clocks of two machines may differ. */
const AGE_MS_MAX = 5 * 60_000;
/** The key of a manager is asked for again when a ticket does not fit it, but not more often than this. */
const KEY_PAUSE_MS = 5_000;
const KEY_TIMEOUT_MS = 3_000;
/** A key that is older is asked for again, so that one that was given up lets nobody in for longer. */
const KEY_AGE_MS_MAX = 60 * 60_000;

/** The metadata of a call with a ticket. */
export function withTicket(ticket: string): Readonly<Record<string, string>> {
  return { [HEADER]: ticket };
}

/** Whom a ticket for a scheduler is for. */
export function schedulerAudience(address: string): string {
  return `scheduler ${address}`;
}

/**
 * Whom a ticket for a host is for. Hosts name themselves: one that takes the id of another, or the address of a
 * scheduler for its id, is sent tickets that are of no use there.
 */
export function hostAudience({ hostId, ip }: { readonly hostId: string; readonly ip: string }): string {
  return `host ${hostId} at ${ip}`;
}

/** Makes the tickets of a manager. */
export class Tickets {
  readonly #key: KeyObject;
  readonly #clock: Pick<Clock, "wallMs">;

  /** `secret` is what all managers of one database share. */
  constructor(secret: string, clock: Pick<Clock, "wallMs">) {
    const seed = Buffer.from(hkdfSync("sha256", secret, "", PURPOSE, KEY_BYTES));
    this.#key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: "der", type: "pkcs8" });
    this.#clock = clock;
  }

  /** A ticket for `audience`, and for nobody else; see {@link schedulerAudience} and {@link hostAudience}. */
  ticket(audience: string): string {
    const claims = Buffer.from(JSON.stringify([audience, this.#clock.wallMs()]));
    return [claims, sign(null, claims, this.#key)].map((part) => part.toString("base64url")).join(".");
  }

  /** `damselfly.v1.Tickets`: the key that others compare tickets with. */
  service(): RpcService {
    const spki = createPublicKey(this.#key).export({ format: "der", type: "spki" });
    const publicKey = Uint8Array.from(spki.subarray(PUBLIC_PREFIX.length));
    return service(TicketsService, { getTicketKey: () => Promise.resolve({ publicKey }) });
  }
}

/** What a {@link TicketGate} works with. */
export interface TicketGateParts {
  /** The manager of the configuration; undefined when there is none. */
  readonly manager: Pick<RpcClient<typeof TicketsService>, "getTicketKey"> | undefined;
  /** For whom tickets have to be; known once the servers listen. */
  readonly audience: () => string;
  readonly clock: Clock;
}

/** Lets in whoever has a ticket. */
export class TicketGate {
  readonly #parts: TicketGateParts;
  #key: KeyObject | undefined;
  #askedAtMs = -Infinity;
  #keyUntilMs = -Infinity;
  /** Why the key was not to be had when it was asked for last. */
  #trouble: DamselflyError | undefined;
  #asking: Promise<void> | undefined;

  constructor(parts: TicketGateParts) {
    this.#parts = parts;
  }

  /** Throws `permission_denied` when a call has no ticket that is good here and now. */
  async check({ metadata }: Pick<CallContext, "metadata">): Promise<void> {
    const { manager, audience, clock } = this.#parts;
    if (manager === undefined) throw refused("no manager is configured here that could vouch for the caller");
    const ticket = parseTicket(metadata.get(HEADER));
    if (ticket === undefined) throw refused("the call has no ticket of the manager");
    if (clock.now() > this.#keyUntilMs) this.#key = undefined;
    if (!isSigned(ticket, this.#key)) await this.#renewKey();
    if (!isSigned(ticket, this.#key)) {
      throw this.#trouble ?? refused("its ticket is not of the manager that is configured here");
    }
    if (ticket.audience !== audience()) {
      throw refused(`its ticket is for ${ticket.audience}, and this is ${audience()}`);
    }
    if (Math.abs(clock.wallMs() - ticket.atMs) > AGE_MS_MAX) {
      throw refused("its ticket is too old: the clocks of this machine and of the manager differ");
    }
  }

  /** Asks for the key of the manager, unless that was done a moment ago; whoever comes meanwhile waits for the same. */
  async #renewKey(): Promise<void> {
    const { clock } = this.#parts;
    if (this.#asking === undefined) {
      if (clock.now() - this.#askedAtMs < KEY_PAUSE_MS) return;
      this.#askedAtMs = clock.now();
      this.#asking = this.#askKey().finally(() => this.#asking = undefined);
    }
    await this.#asking;
  }

  async #askKey(): Promise<void> {
    // For all who wait, so that none of them ends it; its time is limited.
    const { signal } = new AbortController();
    try {
      const asked = await this.#parts.manager?.getTicketKey({}, { signal, timeoutMs: KEY_TIMEOUT_MS });
      const bytes = Buffer.concat([PUBLIC_PREFIX, asked?.publicKey ?? Buffer.alloc(0)]);
      this.#key = createPublicKey({ key: bytes, format: "der", type: "spki" });
      this.#keyUntilMs = this.#parts.clock.now() + KEY_AGE_MS_MAX;
      this.#trouble = undefined;
    } catch (cause) {
      this.#trouble = refused(`the manager does not give the key of its tickets: ${errorText(cause)}`, cause);
    }
  }
}

interface Ticket {
  readonly claims: Buffer;
  readonly signature: Buffer;
  readonly audience: string;
  readonly atMs: number;
}

/** Undefined for what is none. */
function parseTicket(text: string | undefined): Ticket | undefined {
  const [claims, signature] = (text ?? "").split(".").map((part) => Buffer.from(part, "base64url"));
  if (claims === undefined || signature === undefined) return undefined;
  try {
    const [audience, atMs] = JSON.parse(claims.toString()) as [unknown, unknown];
    return typeof audience === "string" && typeof atMs === "number" ? { claims, signature, audience, atMs } : undefined;
  } catch {
    return undefined;
  }
}

function isSigned({ claims, signature }: Ticket, key: KeyObject | undefined): boolean {
  return key !== undefined && verify(null, claims, key, signature);
}

function refused(why: string, cause?: unknown): DamselflyError {
  return new DamselflyError("permission_denied", `Cannot answer: ${why}`, cause === undefined ? {} : { cause });
}
