import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { readAs } from "./answers.ts";
import type { DfctlEffects } from "./context.ts";
import { keepLogin, type Login, readLogin } from "./login_file.ts";
import { ManagerHttp, type Method, type Query, type RequestParts } from "./manager_http.ts";

const PER_PAGE = 500;
/** A session with less time than this before it is renewed first, as one that has ended is. */
const RENEW_BELOW_MS = 60 * 60 * 1_000;
/** What a personal access token opens (manager-rest.md §1.3). */
const OPEN_GROUPS: readonly string[] = ["jobs", "clusters", "warm-images", "savings"];

const Session = z.object({ token: z.string().min(1), expire: z.string() });
const Claims = z.object({ id: z.int().min(1) });

type Effects = Pick<DfctlEffects, "runtime">;

/** The manager that this user is signed in at. Its sessions are renewed, and what is kept of them with them. */
export class ManagerClient implements Disposable {
  readonly #http: ManagerHttp;
  readonly #runtime: DfctlEffects["runtime"];
  #login: Login;

  private constructor(http: ManagerHttp, login: Login, { runtime }: Effects) {
    this.#http = http;
    this.#login = login;
    this.#runtime = runtime;
  }

  /** Throws `unauthenticated` without a login. */
  static async open(effects: Effects, signal: AbortSignal): Promise<ManagerClient> {
    const login = await readLogin(effects.runtime);
    if (login === undefined) {
      throw new DamselflyError("unauthenticated", "Not signed in: run dfctl login http://<manager>:8080");
    }
    return new ManagerClient(await ManagerHttp.open(login, effects, signal), login, effects);
  }

  get login(): Login {
    return this.#login;
  }

  /** The id of the user who is signed in; undefined with a personal access token. */
  get userId(): number | undefined {
    return this.#login.kind === "session" ? userIdIn(this.#login.token) : undefined;
  }

  /** Sends a request to a path below `/api/v1`, and gives the body of the answer. */
  async send(method: Method, path: string, parts: RequestParts = {}): Promise<unknown> {
    return (await this.#send(method, path, parts)).body;
  }

  /** All rows of a list, `limit` at most, and whether there are more (manager-rest.md §0). */
  async list(path: string, query: Query, limit: number): Promise<{ rows: unknown[]; hasMore: boolean }> {
    const rows: unknown[] = [];
    for (let page = 1;; page++) {
      const answer = await this.#send("GET", path, { query: { ...query, page, per_page: PER_PAGE } });
      // A stock manager has null for no clusters.
      const some = readAs(z.array(z.unknown()).nullable(), answer.body) ?? [];
      rows.push(...some);
      const isLast = some.length === 0 || page >= lastPage(answer.headers.get("link"));
      if (isLast || rows.length >= limit) {
        return { rows: rows.slice(0, limit), hasMore: rows.length > limit || !isLast };
      }
    }
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #send(method: Method, path: string, parts: RequestParts) {
    const target = this.#pathOf(path);
    const wasRenewed = await this.#renewEarly();
    const { token } = this.#login;
    try {
      return await this.#http.send(method, target, { ...parts, token });
    } catch (error) {
      const isEnded = error instanceof DamselflyError && error.code === "unauthenticated";
      if (!isEnded || wasRenewed || !await this.#renew()) throw error;
      return await this.#http.send(method, target, { ...parts, token: this.#login.token });
    }
  }

  #pathOf(path: string): string {
    if (this.#login.kind === "session") return `/api/v1/${path}`;
    const [group = "", rest] = path.split("/");
    if (OPEN_GROUPS.includes(group) && rest !== "match") return `/oapi/v1/${path}`;
    const message =
      "A personal access token opens jobs, warm images, clusters and savings only: sign in as a user, with dfctl login";
    throw new DamselflyError("permission_denied", message);
  }

  async #renewEarly(): Promise<boolean> {
    if (this.#login.kind !== "session") return false;
    const leftMs = Date.parse(this.#login.expire) - this.#runtime.clock.wallMs();
    return leftMs < RENEW_BELOW_MS && await this.#renew();
  }

  /** Whether the session was renewed; one that may not be goes on to its end. */
  async #renew(): Promise<boolean> {
    if (this.#login.kind !== "session") return false;
    let answer: unknown;
    try {
      const { token } = this.#login;
      answer = (await this.#http.send("POST", "/api/v1/users/refresh_token", { token })).body;
    } catch (error) {
      if (error instanceof DamselflyError && error.code === "unauthenticated") return false;
      throw error;
    }
    this.#login = { ...this.#login, ...readAs(Session, answer) };
    await keepLogin(this.#login, this.#runtime);
    return true;
  }
}

/** Signs a user in. Throws `unauthenticated` for a name or password that is wrong. */
export async function signIn(
  http: ManagerHttp,
  { user, password, caCert }: {
    readonly user: string;
    readonly password: string;
    readonly caCert?: string | undefined;
  },
): Promise<Login> {
  try {
    const { body } = await http.send("POST", "/api/v1/users/signin", { body: { name: user, password } });
    const session = readAs(Session, body);
    return { kind: "session", url: http.url, user, ...session, ...(caCert === undefined ? {} : { caCert }) };
  } catch (error) {
    if (!(error instanceof DamselflyError) || error.code !== "unauthenticated") throw error;
    const message = `Cannot sign in as ${user} at ${http.url}: the name or the password is wrong`;
    throw new DamselflyError("unauthenticated", message, { cause: error });
  }
}

/** Who a session is of; its signature is the manager's business. */
function userIdIn(token: string): number {
  const [, claims = ""] = token.split(".");
  try {
    const json = new TextDecoder().decode(Uint8Array.fromBase64(claims, { alphabet: "base64url" }));
    return Claims.parse(JSON.parse(json)).id;
  } catch (cause) {
    throw new DamselflyError("unauthenticated", "The session cannot be read: run dfctl login", { cause });
  }
}

/** The last page of a list; a manager that says nothing has one. */
function lastPage(link: string | null): number {
  const [, target = ""] = /<([^>]*)>;\s*rel="?last"?/.exec(link ?? "") ?? [];
  return Number(new URLSearchParams(target.split("?")[1] ?? "").get("page") ?? 1);
}
