/** One gRPC call to a process under test, on a connection of its own. */
import { checkHealth, createRpcClient } from "../../../src/rpc/client.ts";
import type { MethodDefinition, RequestOf, ResponseOf } from "../../../src/rpc/definition.ts";
import { realClock } from "../../../src/runtime/clock.ts";

const CALL_TIMEOUT_MS = 20_000;
const NEVER = new AbortController().signal;

/** Calls a method without streams at `address` (`host:port` or `unix:/path`). */
export async function callOnce<M extends MethodDefinition & { requestStream: false; responseStream: false }>(
  address: string,
  method: M,
  request: RequestOf<M>,
  timeoutMs: number = CALL_TIMEOUT_MS,
): Promise<ResponseOf<M>> {
  using client = createRpcClient({ method }, address, { clock: realClock(), connectTimeoutMs: timeoutMs });
  const call = client.method as (request: RequestOf<M>, options: object) => Promise<ResponseOf<M>>;
  return await call(request, { signal: NEVER, timeoutMs });
}

/** True when the server at `address` says that it serves, else undefined. */
export async function grpcServes(address: string, signal: AbortSignal): Promise<true | undefined> {
  return await checkHealth(address, { clock: realClock(), signal, timeoutMs: CALL_TIMEOUT_MS }) || undefined;
}
