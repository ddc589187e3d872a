/** The shape of the service definitions in `src/rpc/gen`, and what a method's types are. */

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

/** The message that a method takes. */
export type RequestOf<M extends MethodDefinition> = ReturnType<M["requestDeserialize"]>;

/** The message that a method answers with. */
export type ResponseOf<M extends MethodDefinition> = ReturnType<M["responseDeserialize"]>;

/** The largest message that is taken, in bytes. A piece travels inside a message only for local programs. */
export const RECEIVED_MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** The largest message that is sent, in bytes. */
export const SENT_MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
