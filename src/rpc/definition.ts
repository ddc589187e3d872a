/** The shape of the service definitions in `src/rpc/gen`, and what a method's types are. */
import { PIECE_LENGTH_MAX } from "../core/piece.ts";

/** One method of a generated service definition. */
export interface MethodDefinition {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  // deno-lint-ignore no-explicit-any -- the generated functions take one type each; only `any` accepts them all
  readonly requestSerialize: (value: any) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  // deno-lint-ignore no-explicit-any -- as above
  readonly responseSerialize: (value: any) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** A generated service definition: its methods by name. */
export type ServiceDefinition = { readonly [method: string]: MethodDefinition };

/** The full name of a service, like `scheduler.v2.Scheduler`. */
export function serviceName(definition: ServiceDefinition): string {
  return Object.values(definition)[0]?.path.split("/")[1] ?? "";
}

/** The message that a method takes. */
export type RequestOf<M extends MethodDefinition> = ReturnType<M["requestDeserialize"]>;

/** The message that a method answers with. */
export type ResponseOf<M extends MethodDefinition> = ReturnType<M["responseDeserialize"]>;

/** Room for what stands around a piece in a message: ids, digest, times. */
const ENVELOPE_BYTES_MAX = 64 * 1024;

/** The largest message that is taken or sent, in bytes: a piece of any length, as local programs get it. */
export const MESSAGE_BYTES_MAX = PIECE_LENGTH_MAX + ENVELOPE_BYTES_MAX;
