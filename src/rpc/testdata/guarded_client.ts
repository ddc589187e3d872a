/**
 * Child of http2_guard_test.ts: for each port that it reads, asks the server there for its health and prints the
 * answer. The connection then stays open, without a call, while the server stops.
 */
import { createRpcClient } from "../client.ts";
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthService } from "../gen/grpc/health/v1/health.ts";
import { clock, limited } from "./calls.ts";

using clients = new DisposableStack();
for await (const port of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const client = clients.use(createRpcClient(HealthService, `127.0.0.1:${port.trim()}`, { clock }));
  const { status } = await client.check({ service: "" }, limited);
  console.log(ServingStatus[status]);
}
