import { status } from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import { beginRequest, continueRequest, type RequestParts } from "../runtime/requests.ts";
import type { RequestScope, Span } from "../runtime/tracing.ts";
import type { stepOf } from "./call_step.ts";
import type { RequestMetadata } from "./server_call.ts";

/** Ends that say more of the request than of the server; they are no failures of a step. */
const USUAL: ReadonlySet<status> = new Set([status.OK, status.CANCELLED]);

/** The request that a call is made for; undefined when its caller names none and none begins there. */
export function requestOfCall(
  parts: RequestParts,
  { step, beginsRequest }: { readonly step: ReturnType<typeof stepOf>; readonly beginsRequest: boolean },
  metadata: RequestMetadata,
): RequestScope | undefined {
  const incoming = { ...step, header: (name: string) => metadata.get(name) };
  return continueRequest(parts, incoming) ?? (beginsRequest ? beginRequest(parts, incoming) : undefined);
}

/** Ends the step of a server with the code of its call. */
export function endSpan(span: Span | undefined, code = status.UNKNOWN): void {
  span?.set({ "rpc.grpc.status_code": code });
  span?.end(USUAL.has(code) ? undefined : new DamselflyError("internal", `The call ended with ${status[code]}`));
}
