import { status } from "@grpc/grpc-js";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { MethodDefinition } from "./definition.ts";
import type { MethodObserver } from "./service.ts";

/** Counts calls under the names of go-grpc-prometheus, which Dragonfly's dashboards read. */
export function callObserver(log: Log, metrics: Metrics | undefined): (method: MethodDefinition) => MethodObserver {
  const labels = ["grpc_type", "grpc_service", "grpc_method"];
  const started = metrics?.counter("grpc_server_started_total", "Calls that began on the server.", labels);
  const handled = metrics?.counter("grpc_server_handled_total", "Calls that ended on the server, by code.", [
    ...labels,
    "grpc_code",
  ]);
  const received = metrics?.counter("grpc_server_msg_received_total", "Messages that the server took.", labels);
  const sent = metrics?.counter("grpc_server_msg_sent_total", "Messages that the server sent.", labels);
  return (method) => {
    const ofMethod = labelsOf(method);
    const ofCode = new Map<status, Record<string, string>>();
    const withCode = (code: status) => {
      const known = ofCode.get(code) ?? { ...ofMethod, grpc_code: codeName(code) };
      ofCode.set(code, known);
      return known;
    };
    return {
      log,
      started: () => started?.inc(ofMethod),
      messages: (receivedCount, sentCount) => {
        received?.inc(ofMethod, receivedCount);
        sent?.inc(ofMethod, sentCount);
      },
      handled: (code) => handled?.inc(withCode(code)),
    };
  };
}

function labelsOf({ path, requestStream, responseStream }: MethodDefinition): Record<string, string> {
  const [, service = "", method = ""] = path.split("/");
  const type = requestStream
    ? (responseStream ? "bidi_stream" : "client_stream")
    : (responseStream ? "server_stream" : "unary");
  return { grpc_type: type, grpc_service: service, grpc_method: method };
}

/** `NOT_FOUND` as Go writes it: `NotFound`; `OK` stays. */
function codeName(code: status): string {
  if (code === status.OK) return "OK";
  if (code === status.CANCELLED) return "Canceled";
  return status[code].toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
