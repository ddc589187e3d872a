import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { DamselflyError } from "../../core/error.ts";
import type { DefaultPassword } from "../default_password.ts";
import type { Permission } from "../store/roles.ts";
import { hashToken } from "../store/token_hash.ts";
import type { Token } from "../store/tokens.ts";
import type { User } from "../store/users.ts";
import type { ClientAddress } from "./client_address.ts";
import type { RestEnv, RestOptions } from "./context.ts";
import { unauthorized } from "./errors.ts";
import type { Access, Caller, Method } from "./route.ts";

/** The cookie of a session. */
export const COOKIE = "jwt";
const NOBODY: Caller = { kind: "nobody" };

/** Finds out who is asking, and whether they may. */
export class Gate {
  readonly #options: RestOptions;
  readonly #defaultPassword: DefaultPassword;

  constructor(options: RestOptions, defaultPassword: DefaultPassword) {
    this.#options = options;
    this.#defaultPassword = defaultPassword;
  }

  /**
   * The caller of a request, by the credentials that the route's kind of access takes. A public route has a caller when
   * there is a session. Fails with `unauthenticated`, and with `permission_denied` for a token that does not open it and
   * for root from elsewhere as long as everybody knows its password.
   */
  async caller(c: Context<RestEnv>, access: Access, address: ClientAddress): Promise<Caller> {
    if (access.kind === "token") return { kind: "token", token: await this.#token(c, access.scope) };
    const user = await this.#sessionUser(c);
    if (user !== undefined && await this.#isTrusted(user, address)) {
      return { kind: "user", user, permissions: await this.#options.store.roles.permissionsOfUser(user.id) };
    }
    if (access.kind === "public") return NOBODY;
    throw user === undefined ? unauthorized() : mustChangePassword(user);
  }

  /** Fails with `unauthenticated`, as stock managers answer, when the caller's roles do not allow it. */
  checkRole(caller: Caller, access: Access, method: Method): void {
    if (access.kind !== "role") return;
    if (!mayDo(caller, access.object, method === "GET" ? "read" : "*")) {
      throw new DamselflyError("unauthenticated", "permission deny");
    }
  }

  async #sessionUser(c: Context<RestEnv>): Promise<User | undefined> {
    const { sessions, store } = this.#options;
    const opened = await sessions.read(sessionTokenOf(c) ?? "");
    const user = opened === undefined ? undefined : await store.users.get(opened.userId);
    return opened !== undefined && sessions.isLive(opened, user) ? user : undefined;
  }

  /**
   * Whether the session of a user is his own: with the password that everybody knows it may be anybody's. That guards what
   * the API does, not the account: changing the password must work from elsewhere, for whoever comes first.
   */
  async #isTrusted(user: User, { isLocal }: ClientAddress): Promise<boolean> {
    return isLocal || this.#options.allowDefaultPassword || !await this.#defaultPassword.isOf(user);
  }

  async #token(c: Context<RestEnv>, scope: string): Promise<Token> {
    const { store, clock } = this.#options;
    const authorization = c.req.header("authorization") ?? "";
    const header = /^Bearer +(.+)$/i.exec(authorization)?.[1];
    const secret = c.req.query("access_token") || header;
    if (secret === undefined && /^Basic /i.test(authorization)) throw notByPassword();
    const token = secret === undefined ? undefined : await store.tokens.findByHash(hashToken(secret));
    if (token === undefined) throw unauthorized();
    if (token.state !== "active") throw new DamselflyError("permission_denied", "Token is inactive");
    if (token.expiredAtMs <= clock.wallMs()) throw new DamselflyError("permission_denied", "Token has expired");
    if (token.scopes.length > 0 && !token.scopes.includes(scope)) {
      const why = "Token doesn't have permission to access this resource. Required permission";
      throw new DamselflyError("permission_denied", `${why}: ${scope}`);
    }
    // A blocked user's tokens are blocked too; a token of nobody, or of a user who is gone, stands for itself.
    const user = token.userId === 0 ? undefined : await store.users.get(token.userId);
    if (user?.state === "disable") throw new DamselflyError("permission_denied", "The user of this token is disabled");
    return token;
  }
}

/** Whom Harbor's mode BASIC sends here is told which one it is. */
function notByPassword(): DamselflyError {
  const what = "send a personal access token as Authorization: Bearer (in Harbor the auth mode OAuth), no password";
  return new DamselflyError("unauthenticated", `Unauthorized: ${what}`);
}

function mustChangePassword({ id, name }: User): DamselflyError {
  return new DamselflyError(
    "permission_denied",
    `User ${name} has the password that everybody knows: change it first, by POST ` +
      `/api/v1/users/${id}/reset_password with old_password and new_password; until then whoever comes first can`,
  );
}

/** Whether a caller's roles allow something; whoever may do all may read. */
export function mayDo(caller: Caller, object: string, action: Permission["action"]): boolean {
  if (caller.kind !== "user") return false;
  return caller.permissions.some((allowed) =>
    allowed.object === object && (allowed.action === "*" || allowed.action === action)
  );
}

/** The cookie counts before the header. Not the query, as with stock managers: proxies write URLs into their logs. */
export function sessionTokenOf(c: Context<RestEnv>): string | undefined {
  const header = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
  return getCookie(c, COOKIE) || header;
}
