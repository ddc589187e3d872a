/** One unary gRPC call to a process under test, on a connection of its own. */
import "../../../src/rpc/http2_guard.ts";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { HealthCheckResponse_ServingStatus, HealthService } from "../../../src/rpc/gen/grpc/health/v1/health.ts";
import type { MethodDefinition, RequestOf, ResponseOf } from "../../../src/rpc/definition.ts";
import { realClock } from "../../../src/runtime/clock.ts";

const CALL_TIMEOUT_MS = 20_000;

/** Calls `method` at `target` (`host:port` or `unix:/path`); rejects with the gRPC status error. */
export async function unaryCall<M extends MethodDefinition>(
  target: string,
  method: M,
  request: RequestOf<M>,
  timeoutMs: number = CALL_TIMEOUT_MS,
): Promise<ResponseOf<M>> {
  const client = new Client(target, credentials.createInsecure(), { "grpc.default_authority": "localhost" });
  const { promise, resolve, reject } = Promise.withResolvers<ResponseOf<M>>();
  client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    (bytes) => method.responseDeserialize(bytes) as ResponseOf<M>,
    request,
    new Metadata(),
    { deadline: realClock().wallMs() + timeoutMs },
    (error, reply) => error === null ? resolve(reply as ResponseOf<M>) : reject(error),
  );
  try {
    return await promise;
  } finally {
    client.close();
  }
}

/** True when the server at `target` says that it serves, else undefined (grpc.health.v1). */
export async function grpcServes(target: string): Promise<true | undefined> {
  const reply = await unaryCall(target, HealthService.check, { service: "" });
  return reply.status === HealthCheckResponse_ServingStatus.SERVING || undefined;
}
