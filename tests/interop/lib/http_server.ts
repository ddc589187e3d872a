/** A plain HTTP server of the test's own process: an origin whose answers a test decides. */

/** A running server; disposing it ends the requests that are under way. */
export interface TestServer extends AsyncDisposable {
  /** `host:port`. */
  readonly namespace: string;
  readonly url: string;
}

/** Serves on a free port of `ip`. `signal` aborts when the server ends. */
export function serve(
  ip: string,
  handler: (request: Request, signal: AbortSignal) => Promise<Response> | Response,
): TestServer {
  const stop = new AbortController();
  // A peer that is killed leaves its requests; that is no error of the origin.
  const onError = () => new Response(null, { status: 500 });
  const listen = { hostname: ip, port: 0, signal: stop.signal, onListen: () => {}, onError };
  const server = Deno.serve(listen, (request) => handler(request, stop.signal));
  const namespace = `${server.addr.hostname}:${server.addr.port}`;
  return {
    namespace,
    url: `http://${namespace}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}
