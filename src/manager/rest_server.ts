import type { ManagerConfig } from "../config/manager.ts";
import { type HttpServer, type HttpServerOptions, startHttpServer } from "../http/serve.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { openTlsFiles } from "../runtime/tls_files.ts";
import type { ConsoleFiles } from "./console/console_pack.ts";
import { HashingThread } from "./hashing_thread.ts";
import { createRestApp } from "./rest/app.ts";
import { AuditLog } from "./rest/audit_log.ts";
import type { RestOptions } from "./rest/context.ts";
import { Sessions } from "./rest/sessions.ts";

/** The REST API, ready to be served. */
export interface PreparedRest {
  /** What it serves, as `GET /api/v1/clusters/:id`. */
  readonly routes: readonly string[];
  start(): HttpServer;
}

/**
 * Makes the REST API and what it needs, which `stack` owns: once, however often the port is tried. `key` signs its
 * sessions. It is served in TLS where that is configured.
 */
export async function prepareRest(
  { auth, server: { rest }, job }: Pick<ManagerConfig, "auth" | "server" | "job">,
  runtime: Runtime,
  { key, store, ...parts }: Pick<RestOptions, "store" | "jobs" | "swarms" | "cacheTasks" | "warmArgs" | "redis"> & {
    readonly key: string;
    readonly console: ConsoleFiles | undefined;
  },
  stack: AsyncDisposableStack,
): Promise<PreparedRest> {
  const { clock, log, net } = runtime;
  const { jwt } = auth;
  const { cidrs, header } = rest.trustedProxies;
  const { enable, requireToken } = job.preheat.legacyAPI;
  const app = createRestApp({
    ...runtime,
    ...parts,
    store,
    sessions: new Sessions({ ...jwt, key }, clock),
    realm: jwt.realm,
    allowDefaultPassword: auth.allowDefaultPassword,
    openSignUp: auth.openSignUp,
    trustedProxies: { cidrs, header },
    legacyPreheats: enable ? { requireToken } : undefined,
    scrypt: stack.use(new HashingThread({ clock, log })).scrypt,
    audits: stack.use(new AuditLog({ store, clock, log })),
  });
  const onError = (error: unknown) => log.error("A REST request failed", { error });
  const options: HttpServerOptions = {
    ...{ listen: rest.addr, onError, clock, net, requests: runtime },
    handler: (request, info) => app.fetch(request, info),
  };
  const routes = app.routes.filter(({ method, path }) => method !== "ALL" && !path.endsWith("*"))
    .map(({ method, path }) => `${method} ${path}`);
  const { cert, key: keyPath } = rest.tls;
  if (cert === undefined || keyPath === undefined) return { routes, start: () => startHttpServer(options) };
  const tls = stack.use(await openTlsFiles({ cert, key: keyPath }, runtime));
  return { routes, start: () => startHttpServer({ ...options, tls }) };
}
