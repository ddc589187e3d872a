import type { SpanInit, SpanKind } from "../runtime/tracing.ts";
import type { MethodDefinition } from "./definition.ts";

/** What each call of a method begins with as a step of a request, on either side. */
export function stepOf({ path }: MethodDefinition, kind: SpanKind): SpanInit & { readonly name: string } {
  const [, service, method] = path.split("/");
  return {
    name: path.slice(1),
    kind,
    attributes: { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method },
  };
}
