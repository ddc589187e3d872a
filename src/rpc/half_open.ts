/**
 * Ends what a caller leaves open. The answer of a call may end before its requests do; stock peers then wait until
 * their half of the stream is reset, without a limit (wire.md §8). grpc-js sends the status and leaves it at that.
 */
import type http2 from "node:http2";
import type { ServerInterceptingCall, ServerInterceptor } from "@grpc/grpc-js";

/** NO_ERROR of RFC 9113 §8.1: the answer is complete, send no more. */
const NO_ERROR = 0;

type CallWithStream = { readonly stream?: http2.ServerHttp2Stream };

/**
 * Resets the stream of each call with a request stream once its answer has ended. Not before: a reset overtakes
 * trailers that are not on their way yet, and the caller would lose the status.
 */
export const halfOpenReset: ServerInterceptor = (method, call) => {
  if (method.requestStream) {
    const { stream } = call as CallWithStream;
    if (stream === undefined) {
      throw new Error("Cannot reset half-open streams: this grpc-js keeps the stream elsewhere");
    }
    // The trailers leave in the turn of the event loop in which the writable side finishes.
    stream.once("finish", () => setImmediate(() => stream.close(NO_ERROR)));
  }
  return call as ServerInterceptingCall;
};
