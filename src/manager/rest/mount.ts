import type { Context, Handler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Listed } from "../store/repository.ts";
import { type Gate, sessionTokenOf } from "./access.ts";
import type { AuditLog } from "./audit_log.ts";
import { parseInput, readBody } from "./body.ts";
import { clientAddress } from "./client_address.ts";
import type { RestEnv, RestOptions } from "./context.ts";
import { errorResponse, unauthorized } from "./errors.ts";
import { linkHeader, parsePage } from "./pages.ts";
import { Answer, type Caller, type Route } from "./route.ts";

/** What {@link answering} needs besides the route. */
export interface MountOptions extends RestOptions {
  readonly gate: Gate;
  readonly audits: AuditLog;
}

/** How a route answers: who asks, may they, what do they say, then its handler. Each request is audited. */
export function answering(route: Route, options: MountOptions): Handler<RestEnv> {
  return async function answer(c) {
    c.set("route", route.path);
    const audited: { caller: Caller } = { caller: { kind: "nobody" } };
    let response: Response;
    try {
      response = await handle(c, route, options, audited);
    } catch (error) {
      response = errorResponse(c, error, options);
    }
    options.audits.note(audited.caller, { method: c.req.method, path: c.req.path, status: response.status });
    return response;
  };
}

async function bodyOf(c: Context<RestEnv>, { body, hidesBadBody }: Route, clock: Clock): Promise<unknown> {
  if (body === undefined) return undefined;
  try {
    return await readBody(c.req.raw, body, clock);
  } catch (error) {
    const isBad = error instanceof DamselflyError && error.code === "invalid_argument";
    throw isBad && hidesBadBody === true ? unauthorized() : error;
  }
}

async function handle(
  c: Context<RestEnv>,
  route: Route,
  { gate, clock, trustedProxies }: MountOptions,
  audited: { caller: Caller },
): Promise<Response> {
  const address = clientAddress(c.req.raw.headers, c.env, trustedProxies);
  const caller = audited.caller = await gate.caller(c, route.access, address);
  gate.checkRole(caller, route.access, route.method);
  const { page, perPage } = route.isList === true ? parsePage(c.req.query()) : { page: 1, perPage: 1 };
  const result = await route.handle({
    params: route.params === undefined ? {} : parseInput(route.params, c.req.param()),
    query: route.query === undefined ? {} : parseInput(route.query, c.req.query()),
    body: await bodyOf(c, route, clock),
    page: { offset: (page - 1) * perPage, limit: perPage },
    foundCaller: (user) => audited.caller = { kind: "user", user, permissions: [] },
    sessionToken: sessionTokenOf(c),
    ...{ caller, address, headers: c.req.raw.headers, url: new URL(c.req.url), signal: c.env.signal },
  });
  if (route.isList === true) {
    const { rows, total } = result as Listed<unknown>;
    c.header("link", linkHeader(c.req.url, { page, perPage }, total));
    return c.json(rows);
  }
  const { body, status, headers, isText } = result instanceof Answer ? result : new Answer(result);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (body === undefined) return c.body(null, status as ContentfulStatusCode);
  return isText ? c.text(String(body), status as ContentfulStatusCode) : c.json(body, status as ContentfulStatusCode);
}
