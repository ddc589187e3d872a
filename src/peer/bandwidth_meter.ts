import type { Clock } from "../runtime/clock.ts";
import type { Bandwidth } from "./control/host_facts.ts";

/** Rates are those of the last two seconds: long enough to be steady, short enough for children who ask each second. */
const SLOT_MS = 250;
const SLOTS = 8;

/** Counts the bytes of pieces that this host sends to others and receives from them, or from the source. */
export class BandwidthMeter {
  readonly #sent: ByteRate;
  readonly #received: ByteRate;

  constructor(clock: Clock) {
    this.#sent = new ByteRate(clock);
    this.#received = new ByteRate(clock);
  }

  sent(bytes: number): void {
    this.#sent.add(bytes);
  }

  received(bytes: number): void {
    this.#received.add(bytes);
  }

  /** The rates now, both at most two seconds old. */
  bandwidth(): Bandwidth {
    return { txBandwidth: this.#sent.bitsPerSecond(), rxBandwidth: this.#received.bitsPerSecond() };
  }
}

class ByteRate {
  readonly #clock: Clock;
  /** Bytes by slots of time; those of the slot now, and of the ones before it in the window. */
  readonly #slots = new Array<number>(SLOTS).fill(0);
  #now: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#now = this.#slotNow();
  }

  add(bytes: number): void {
    const slot = this.#turn() % SLOTS;
    this.#slots[slot] = (this.#slots[slot] ?? 0) + bytes;
  }

  bitsPerSecond(): number {
    this.#turn();
    const windowMs = SLOT_MS * (SLOTS - 1) + this.#clock.now() % SLOT_MS; // the slot now has only begun
    return Math.round(8 * this.#slots.reduce((sum, bytes) => sum + bytes, 0) * 1000 / windowMs);
  }

  /** Clears the slots that have come into use since the last call. */
  #turn(): number {
    const now = this.#slotNow();
    for (let slot = Math.max(this.#now + 1, now - SLOTS + 1); slot <= now; slot++) this.#slots[slot % SLOTS] = 0;
    return this.#now = now;
  }

  #slotNow(): number {
    return Math.floor(this.#clock.now() / SLOT_MS);
  }
}
