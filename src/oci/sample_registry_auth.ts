import { timingSafeEqual } from "node:crypto";
import type { Random } from "../runtime/random.ts";
import { parseDistributionPath } from "./distribution_path.ts";
import type { Credentials } from "./image_pull_client.ts";
import { Answer, errorAnswer } from "./sample_registry_answer.ts";

const SERVICE = "sample-registry";
const TOKENS_MAX = 10_000;

/** How one logs in to a registry. A guest may log in, and pull nothing. */
export type RegistryLogin =
  | { readonly kind: "basic"; readonly account: Credentials; readonly guest?: Credentials }
  /** Without an account everybody gets a token. */
  | { readonly kind: "bearer"; readonly random: Random; readonly account?: Credentials; readonly guest?: Credentials };

/** Lets requests through that have the right to it, and hands out tokens (distribution "token" authentication). */
export class SampleRegistryAuth {
  readonly #login: RegistryLogin;
  /** The scope of each token. */
  readonly #tokens = new Map<string, string>();

  constructor(login: RegistryLogin) {
    this.#login = login;
  }

  /** The refusal or token that answers a request; undefined when it may go on. */
  answer(request: Request, origin: string): Answer | undefined {
    const { pathname, searchParams } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    const login = this.#login;
    if (login.kind === "basic") {
      if (isAccount(authorization, login.account)) return undefined;
      if (isAccount(authorization, login.guest)) return errorAnswer(403, "DENIED");
      return errorAnswer(401, "UNAUTHORIZED", { "www-authenticate": `Basic realm="${SERVICE}"` });
    }
    if (pathname === "/token") {
      if (isAccount(authorization, login.guest)) return this.#issue("", login.random);
      if (login.account !== undefined && !isAccount(authorization, login.account)) {
        return errorAnswer(401, "UNAUTHORIZED");
      }
      return this.#issue(searchParams.get("scope") ?? "", login.random);
    }
    const path = parseDistributionPath(pathname);
    const scope = path === undefined || path.kind === "ping" ? undefined : `repository:${path.repository}:pull`;
    const granted = this.#tokens.get(authorization?.replace(/^Bearer /, "") ?? "");
    if (granted !== undefined && (scope === undefined || granted === scope)) return undefined;
    const error = granted === undefined ? "" : ',error="insufficient_scope"';
    const wanted = scope === undefined ? "" : `,scope="${scope}"`;
    return errorAnswer(401, "UNAUTHORIZED", {
      "www-authenticate": `Bearer realm="${origin}/token",service="${SERVICE}"${wanted}${error}`,
    });
  }

  /** Ends the life of all tokens. */
  expireTokens(): void {
    this.#tokens.clear();
  }

  #issue(scope: string, random: Random): Answer {
    const token = random.uuid();
    this.#tokens.set(token, scope);
    const oldest = this.#tokens.keys().next().value;
    if (this.#tokens.size > TOKENS_MAX && oldest !== undefined) this.#tokens.delete(oldest);
    return new Answer(200, { "content-type": "application/json" }, Buffer.from(JSON.stringify({ token })));
  }
}

function isAccount(authorization: string | null, account: Credentials | undefined): boolean {
  if (account === undefined) return false;
  const { username, password } = account;
  const expected = Buffer.from(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
  const given = Buffer.from(authorization ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
