import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import { isUsualPieceLength } from "../../core/piece.ts";

/** The families of tasks whose pieces are exchanged. */
export type PieceFamily = "standard" | "persistent_cache";

/**
 * Tags of the packets that we speak (wire.md §2.11), for each family of tasks, and of an error. `requestOfCut` is our
 * own, from the range that the protocol leaves free: a request for a standard task whose value ends with the piece
 * length by which the child counts, in 8 bytes. Only children that cut by our own rule send it, to parents that have
 * told them of pieces in that cut.
 */
export const VORTEX_TAG = {
  standard: { request: 0, content: 1 },
  persistent_cache: { request: 4, content: 5 },
  requestOfCut: 128,
  error: 255,
} as const;

const FAMILIES = ["standard", "persistent_cache"] as const;

/** The family whose pieces a packet asks for; undefined when it is no request. */
export function familyOfRequest(tag: number): PieceFamily | undefined {
  if (tag === VORTEX_TAG.requestOfCut) return "standard";
  return FAMILIES.find((family) => VORTEX_TAG[family].request === tag);
}

/** Bytes of a packet header: id, tag, length of the value. */
export const VORTEX_HEADER_BYTES = 6;

const PIECE_NUMBER_BYTES = 4;
const PIECE_LENGTH_BYTES = 8;
const TASK_ID_BYTES_MIN = 8;
/** Hex digits of a SHA-512. Stock peers know 64 digits only; blobs under a SHA-512 digest go between our own peers. */
const TASK_ID_BYTES_MAX = 128;
const DIGEST_BYTES_MAX = 256;
const PARENT_ID_BYTES_MAX = 512;
const ERROR_TEXT_BYTES_MAX = 1024;
/** Metadata of a content without the two texts. */
const METADATA_FIXED_BYTES = 45;
const METADATA_LENGTH_BYTES = 4;

/** Value lengths of a request: the stock one is 68. */
export const REQUEST_VALUE_BYTES = {
  min: TASK_ID_BYTES_MIN + PIECE_NUMBER_BYTES,
  max: TASK_ID_BYTES_MAX + PIECE_NUMBER_BYTES + PIECE_LENGTH_BYTES,
} as const;

/** The longest value that precedes the bytes of a piece, and so the most a reader must hold of it. */
export const CONTENT_VALUE_BYTES_MAX = METADATA_LENGTH_BYTES + METADATA_FIXED_BYTES + DIGEST_BYTES_MAX +
  PARENT_ID_BYTES_MAX;

/** The longest value of an error packet that we read. */
export const ERROR_VALUE_BYTES_MAX = 1 + ERROR_TEXT_BYTES_MAX;

/** A packet header. */
export interface VortexHeader {
  readonly tag: number;
  /** Length of the value in bytes; for a content without the bytes of the piece. */
  readonly valueLength: number;
}

/** Which piece a child asks for. */
export interface VortexRequest {
  readonly taskId: string;
  readonly pieceNumber: number;
  /** How the child cuts the content, in bytes, when it says so. */
  readonly pieceLength?: number | undefined;
}

/** What precedes the bytes of a piece. */
export interface VortexContent {
  readonly pieceNumber: number;
  readonly offset: number;
  readonly length: number;
  /** `crc32:<decimal>`, or empty. */
  readonly digest: string;
  /** The peer that the sender got the piece from; may be empty. */
  readonly parentId: string;
  readonly trafficType: number;
  readonly costSeconds: number;
  readonly createdAtSeconds: number;
}

const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const textEncoder = new TextEncoder();

/** Reads a header from the first {@link VORTEX_HEADER_BYTES} bytes. */
export function decodeHeader(bytes: Uint8Array): VortexHeader {
  const reader = new Reader(bytes);
  reader.skip(1); // the packet id
  return { tag: reader.u8(), valueLength: reader.u32() };
}

/** A whole request packet. Throws `invalid_argument` for a task id that cannot be asked for. */
export function encodeRequest(request: VortexRequest, family: PieceFamily = "standard"): Uint8Array {
  const { taskId, pieceNumber, pieceLength } = request;
  if (!isTaskId(taskId)) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot ask a peer for a piece of "${taskId.slice(0, 160)}": not an id`,
    );
  }
  const tag = pieceLength === undefined ? VORTEX_TAG[family].request : VORTEX_TAG.requestOfCut;
  const writer = packet(tag, taskId.length + fixedBytesOf(tag));
  writer.text(textEncoder.encode(taskId));
  writer.u32(pieceNumber);
  if (pieceLength !== undefined) writer.u64(pieceLength);
  return writer.bytes;
}

/** Bytes of a request besides the task id. */
function fixedBytesOf(tag: number): number {
  return PIECE_NUMBER_BYTES + (tag === VORTEX_TAG.requestOfCut ? PIECE_LENGTH_BYTES : 0);
}

/** Reads the value of a request with this tag. Throws `invalid_argument` when it is none. */
export function decodeRequest(value: Uint8Array, tag: number): VortexRequest {
  const idLength = value.length - fixedBytesOf(tag);
  if (value.length < REQUEST_VALUE_BYTES.min || value.length > REQUEST_VALUE_BYTES.max) throw malformed("its length");
  const reader = new Reader(value);
  const taskId = reader.text(idLength);
  if (!isTaskId(taskId)) throw malformed("its task id");
  const pieceNumber = reader.u32();
  if (tag !== VORTEX_TAG.requestOfCut) return { taskId, pieceNumber };
  const pieceLength = reader.u64();
  if (!isUsualPieceLength(pieceLength)) throw malformed("its piece length");
  return { taskId, pieceNumber, pieceLength };
}

/** Header and metadata of a content packet; the bytes of the piece follow it unframed. */
export function encodeContent(content: VortexContent, family: PieceFamily = "standard"): Uint8Array {
  const digest = textEncoder.encode(content.digest);
  const parentId = textEncoder.encode(content.parentId);
  if (digest.length > DIGEST_BYTES_MAX || parentId.length > PARENT_ID_BYTES_MAX) {
    throw new DamselflyError("invalid_argument", "Cannot send a piece: its digest or parent id is too long");
  }
  const metadataLength = METADATA_FIXED_BYTES + digest.length + parentId.length;
  const writer = packet(VORTEX_TAG[family].content, METADATA_LENGTH_BYTES + metadataLength);
  writer.u32(metadataLength);
  writer.u32(content.pieceNumber);
  writer.u64(content.offset);
  writer.u64(content.length);
  writer.u32(digest.length);
  writer.text(digest);
  writer.u32(parentId.length);
  writer.text(parentId);
  writer.u8(content.trafficType);
  writer.u64(content.costSeconds);
  writer.u64(content.createdAtSeconds);
  return writer.bytes;
}

/** Reads the value of a content packet, without the bytes of the piece. Throws `invalid_argument` when it is none. */
export function decodeContent(value: Uint8Array): VortexContent {
  if (value.length > CONTENT_VALUE_BYTES_MAX) throw malformed("its length");
  const reader = new Reader(value);
  if (reader.u32() !== value.length - METADATA_LENGTH_BYTES) throw malformed("the length of its metadata");
  const content = {
    pieceNumber: reader.u32(),
    offset: reader.u64(),
    length: reader.u64(),
    digest: reader.text(reader.u32(), DIGEST_BYTES_MAX),
    parentId: reader.text(reader.u32(), PARENT_ID_BYTES_MAX),
    trafficType: reader.u8(),
    costSeconds: reader.u64(),
    createdAtSeconds: reader.i64(),
  };
  if (!reader.isAtEnd) throw malformed("its length");
  return content;
}

/** What went wrong at the other side, on the wire one byte (wire.md §2.11); everything else is 0. */
const ERROR_BYTES: Partial<Record<ErrorCode, number>> = { invalid_argument: 1, not_found: 2, internal: 3 };

/** The code that a child sees for each of these bytes. */
const ERROR_CODES: Readonly<Record<number, ErrorCode>> = { 1: "invalid_argument", 2: "not_found" };

/** A whole error packet; a long text is cut. */
export function encodeError(code: ErrorCode, text: string): Uint8Array {
  const message = textEncoder.encode(text).subarray(0, ERROR_TEXT_BYTES_MAX);
  const writer = packet(VORTEX_TAG.error, 1 + message.length);
  writer.u8(ERROR_BYTES[code] ?? 0);
  writer.text(message);
  return writer.bytes;
}

/** The error in the value of an error packet: `not_found`, `invalid_argument`, or else `unavailable`. */
export function decodeError(value: Uint8Array): DamselflyError {
  const code = ERROR_CODES[value[0] ?? 0] ?? "unavailable";
  // Lenient: a text cut in the middle of a character is still worth reading.
  const text = new TextDecoder().decode(value.subarray(1, ERROR_VALUE_BYTES_MAX));
  return new DamselflyError(code, `Cannot get the piece: the parent says "${text}"`);
}

function isTaskId(text: string): boolean {
  return text.length >= TASK_ID_BYTES_MIN && text.length <= TASK_ID_BYTES_MAX && /^[0-9a-f]+$/.test(text);
}

function malformed(what: string): DamselflyError {
  return new DamselflyError("invalid_argument", `Cannot read a packet of the piece protocol: ${what} is wrong`);
}

function packet(tag: number, valueLength: number): Writer {
  const writer = new Writer(VORTEX_HEADER_BYTES + valueLength);
  writer.u8(0); // the packet id: stock peers send a random one, and nobody looks at it
  writer.u8(tag);
  writer.u32(valueLength);
  return writer;
}

class Writer {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  u64(value: number): void {
    this.#view.setBigInt64(this.#at, BigInt(value));
    this.#at += 8;
  }

  text(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

/** Reads forward; what would go past the end, or beyond what a number can hold, is malformed. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw malformed("its length");
    this.#at += length;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4));
  }

  u64(): number {
    return safe(this.#view.getBigUint64(this.skip(8)));
  }

  i64(): number {
    return safe(this.#view.getBigInt64(this.skip(8)));
  }

  text(length: number, lengthMax = length): string {
    if (length > lengthMax) throw malformed("the length of a text");
    const at = this.skip(length);
    try {
      return textDecoder.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw malformed("a text");
    }
  }
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed("a number");
  return number;
}
