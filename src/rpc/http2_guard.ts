/**
 * Keeps `node:http2` of Deno 2.9 from crashing the process. There, a GOAWAY frame that arrives while no stream is open
 * destroys the session inside the receive callback of the native library, which then walks freed memory; any remote
 * side can cause that, in the role of a client and of a server (denoland/deno#36788). The cure is to close and destroy
 * sessions one turn of the event loop later, outside of that callback.
 *
 * A side-effect import: the first import of every program that speaks gRPC. `session.closed` and `session.destroyed`
 * turn true one turn later than in Node. Check on each upgrade of Deno whether it is still needed.
 */
import http2 from "node:http2";

type Method = (this: Session, ...args: unknown[]) => unknown;
type Methods = Record<string, Method>;
type Session = {
  readonly destroyed: boolean;
  once(event: "close", listener: () => void): void;
};
type SessionSource = { prependListener(event: "session", listener: (session: Session) => void): void };

const guardedPrototypes = new WeakSet<object>();
const runningDeferred = new WeakSet<object>();

/** The prototype that holds `method` for `session`, as close to the session as possible. */
function ownerOf(session: Session, method: string): Methods | undefined {
  let prototype: object | null = Object.getPrototypeOf(session);
  while (prototype !== null && !Object.hasOwn(prototype, method)) prototype = Object.getPrototypeOf(prototype);
  return prototype === null ? undefined : prototype as Methods;
}

/** Runs `method` of a session in the next turn; what the deferred call itself calls runs at once. */
function deferred(method: Method): Method {
  return function (...args) {
    if (runningDeferred.has(this)) return method.apply(this, args);
    setImmediate(() => {
      runningDeferred.add(this);
      try {
        method.apply(this, args);
      } finally {
        runningDeferred.delete(this);
      }
    });
    return undefined;
  };
}

/** `close` deferred; its callback is taken at once, because the session may be destroyed before its turn comes. */
function deferredClose(close: Method): Method {
  const closeLater = deferred(close);
  return function (callback) {
    if (typeof callback === "function") {
      if (this.destroyed) setImmediate(callback as () => void);
      else this.once("close", callback as () => void);
    }
    return closeLater.call(this);
  };
}

function guardSession(session: Session): void {
  const prototype = ownerOf(session, "destroy");
  if (prototype === undefined || guardedPrototypes.has(prototype)) return;
  guardedPrototypes.add(prototype);
  const { close, destroy } = prototype;
  if (close === undefined || destroy === undefined) throw new Error("Cannot guard node:http2: it has changed");
  prototype["close"] = deferredClose(close);
  prototype["destroy"] = deferred(destroy);
}

type Factory<Made> = (this: unknown, ...args: unknown[]) => Made;

/** Replaces a function of `node:http2` by one that hands what it makes to `guard`. */
function guardFactory<Made>(name: "connect" | "createServer" | "createSecureServer", guard: (made: Made) => void) {
  const factories = http2 as unknown as Record<string, Factory<Made>>;
  const create = factories[name];
  if (create === undefined) throw new Error(`Cannot guard node:http2: it has no ${name}`);
  factories[name] = function (...args) {
    const made = create.apply(this, args);
    guard(made);
    return made;
  };
}

guardFactory<Session>("connect", guardSession);
guardFactory<SessionSource>("createServer", (server) => server.prependListener("session", guardSession));
guardFactory<SessionSource>("createSecureServer", (server) => server.prependListener("session", guardSession));
