import { randomFillSync, randomInt, randomUUID } from "node:crypto";

/** Chance as an argument. */
export interface Random {
  /** An integer in [0, bound). */
  below(bound: number): number;
  /** A number in [0, 1). */
  float(): number;
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A version 4 UUID (RFC 9562). */
  uuid(): string;
}

const FLOAT_STEPS = 2 ** 47;

/** The machine's source of chance; fit for keys and tokens. */
export function realRandom(): Random {
  return {
    below: (bound) => randomInt(bound),
    float: () => randomInt(FLOAT_STEPS) / FLOAT_STEPS,
    bytes: (length) => randomFillSync(new Uint8Array(length)),
    uuid: () => randomUUID(),
  };
}
