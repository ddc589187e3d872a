import type * as z from "zod";
import type { Permission } from "../store/roles.ts";
import type { Token } from "../store/tokens.ts";
import type { User } from "../store/users.ts";
import type { Listed, Page } from "../store/repository.ts";
import type { ClientAddress } from "./client_address.ts";

/** Who sent a request. */
export type Caller =
  | { readonly kind: "nobody" }
  | { readonly kind: "user"; readonly user: User; readonly permissions: readonly Permission[] }
  | { readonly kind: "token"; readonly token: Token };

/** Who may use a route. */
export type Access =
  /** Everybody. */
  | { readonly kind: "public" }
  /** Whoever is signed in; the handler looks at the rest. */
  | { readonly kind: "session" }
  /** Whose roles allow it: `read` for a GET, else `*`, of the group (manager-rest.md §3). */
  | { readonly kind: "role"; readonly object: string }
  /** The bearer of a personal access token with the scope. */
  | { readonly kind: "token"; readonly scope: "job" | "cluster" };

/** What a handler gets: parsed, and from somebody who may. */
export interface RouteInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly page: Page;
  readonly caller: Caller;
  /** To be called by a handler that finds out itself who is asking, by a password: the request is his for the audit. */
  readonly foundCaller: (user: User) => void;
  /** The token of a session, live or not, by cookie or header. */
  readonly sessionToken: string | undefined;
  readonly address: ClientAddress;
  readonly headers: Headers;
  readonly url: URL;
  /** Aborts when the server gives up on the request. */
  readonly signal: AbortSignal;
}

interface AnswerOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isText?: boolean;
}

/** An answer whose headers or status are other than usual; `body` undefined is an empty one. */
export class Answer<T> {
  readonly body: T | undefined;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the body is sent as the text it is, and not as JSON. */
  readonly isText: boolean;

  constructor(body: T | undefined, options: AnswerOptions = {}) {
    this.body = body;
    this.status = options.status ?? 200;
    this.headers = options.headers ?? {};
    this.isText = options.isText ?? false;
  }
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One route, declared once: what it takes and gives is checked, documented and typed by the same schemas. */
export interface RouteSpec<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> {
  readonly method: Method;
  /** As hono writes it, with `:id`. */
  readonly path: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  readonly access: Access;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** Left out for a route that answers with an empty body. */
  readonly reply?: Reply;
  /** Whether a body that is wrong is answered like wrong credentials, as stock managers do. */
  readonly hidesBadBody?: boolean;
  /** Whether it gives `reply` as a page of a list, with a `Link` header. */
  readonly isList?: boolean;
}

type Input<S extends RouteSpec> = RouteInput<
  z.output<NonNullable<S["params"]>>,
  z.output<NonNullable<S["query"]>>,
  z.output<NonNullable<S["body"]>>
>;
type Output<S extends RouteSpec> = S["isList"] extends true ? Listed<z.input<NonNullable<S["reply"]>>>
  : S["reply"] extends z.ZodType ? z.input<S["reply"]> | Answer<z.input<S["reply"]>>
  : void | Answer<undefined>;

/** A route and what it does; the types of its schemas are forgotten. */
export interface Route extends RouteSpec {
  // deno-lint-ignore no-explicit-any -- each handler takes what the schemas beside it give; `route` sees to that
  readonly handle: (input: RouteInput<any, any, any>) => Promise<unknown>;
}

/** A route whose handler fits its schemas. */
export function route<const S extends RouteSpec>(spec: S, handle: (input: Input<S>) => Promise<Output<S>>): Route {
  return { ...spec, handle };
}

/** The rights of a route under `/api/v1`: those of its first path segment. */
export function roleAccess(path: string): Access {
  return { kind: "role", object: path.split("/")[3] ?? "" };
}
