/**
 * Keeps `node:http2` of Deno 2.9 from crashing the process. There, a GOAWAY frame that arrives while no stream is open
 * destroys the session inside the receive callback of the native library, which then walks freed memory; any server can
 * cause that when it stops (denoland/deno#36788). The cure is to close and destroy sessions one turn of the event loop
 * later, outside of that callback. Our own servers do not use `node:http2`; clients do.
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

type Connect = (this: unknown, ...args: unknown[]) => Session;

const factories = http2 as unknown as { connect: Connect };
const { connect } = factories;
factories.connect = function (...args) {
  const session = connect.apply(this, args);
  guardSession(session);
  return session;
};
