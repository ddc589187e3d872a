/** The protobuf encoding in its smallest form, so that expected bytes do not come from the code under test. */

/** A base-128 varint. */
export function varint(value: bigint | number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

/** Field of an integer, a bool or an enum. */
export function int(number: number, value: bigint | number): number[] {
  return [...varint(number << 3), ...varint(value)];
}

/** Field of a double. */
export function double(number: number, value: number): number[] {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value, true);
  return [...varint(number << 3 | 1), ...new Uint8Array(bytes.buffer)];
}

/** Field of bytes. */
export function bytes(number: number, value: Iterable<number>): number[] {
  const content = [...value];
  return [...varint(number << 3 | 2), ...varint(content.length), ...content];
}

/** Field of a string. */
export function text(number: number, value: string): number[] {
  return bytes(number, new TextEncoder().encode(value));
}

/** Field of a message with the given fields. */
export function message(number: number, ...fields: number[][]): number[] {
  return bytes(number, fields.flat());
}

/** Field of a repeated integer, packed. */
export function packed(number: number, values: readonly number[]): number[] {
  return bytes(number, values.flatMap((value) => varint(value)));
}
