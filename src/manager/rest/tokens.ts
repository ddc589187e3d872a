import { Buffer } from "node:buffer";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { Random } from "../../runtime/random.ts";
import { hashToken } from "../store/token_hash.ts";
import type { Token, TokenFilter } from "../store/tokens.ts";
import type { User } from "../store/users.ts";
import { mayDo } from "./access.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import {
  asked,
  bio,
  given,
  id,
  IdParams,
  name,
  numberInText,
  present,
  rowFields,
  rowJson,
  time,
  timeJson,
} from "./fields.ts";
import { type Caller, roleAccess, type Route, route } from "./route.ts";
import { userJson, UserReply } from "./users.ts";

const PATH = "/api/v1/personal-access-tokens";
const OBJECT = "personal-access-tokens";
/** What a token may open; one that names nothing gets all of it. */
const TOKEN_SCOPES = ["job", "cluster"] as const;

const scopes = z.array(z.enum(TOKEN_SCOPES)).max(TOKEN_SCOPES.length);
const state = z.enum(["active", "inactive"]);

const Creation = z.object({
  name: name(),
  expired_at: time(),
  user_id: id(),
  bio: given(bio()),
  scopes: given(scopes),
});
const Change = z.object({
  bio: given(bio()),
  scopes: given(scopes),
  state: given(state),
  expired_at: given(time()),
  user_id: given(id()),
});
const Query = z.object({ state: state.optional(), user_id: numberInText().optional() });
const Reply = z.object({
  ...rowFields,
  name: z.string(),
  bio: z.string(),
  token: z.string().meta({ description: "The secret, in the answer that makes it; empty in all others." }),
  scopes: z.array(z.string()),
  state,
  expired_at: z.string(),
  user_id: z.int(),
  user: UserReply.nullable(),
}).meta({ id: "PersonalAccessToken" });

/**
 * `personal-access-tokens` (manager-rest.md §1.2). Unlike stock managers only a hash is stored, so that the secret is
 * shown once, and who may not change tokens sees only his own.
 */
export function tokenRoutes({ store, random }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  const withUser = async (token: Token, secret = "") => json(token, await store.users.get(token.userId), secret);
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Make a personal access token" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body }) => {
      existing(await store.users.get(body.user_id), "user", body.user_id);
      const secret = newToken(random);
      const token = await store.tokens.create({
        name: body.name,
        bio: body.bio ?? "",
        tokenHash: hashToken(secret),
        scopes: scopesOf(body.scopes),
        state: "active",
        expiredAtMs: body.expired_at,
        userId: body.user_id,
      });
      return await withUser(token, secret);
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List personal access tokens", isList: true },
      ...{ query: Query, reply: Reply },
    }, async ({ query, page, caller }) => {
      const userId = seesAll(caller) ? query.user_id : idOf(caller);
      const { rows, total } = await store.tokens.list(asked<TokenFilter>({ state: query.state, userId }), page);
      const users = await store.users.getMany(rows.map((token) => token.userId));
      return { rows: rows.map((token) => json(token, users.get(token.userId), "")), total };
    }),
    route(
      { ...one, method: "GET", summary: "Show a personal access token", reply: Reply },
      async ({ params: { id }, caller }) => {
        const token = existing(await store.tokens.get(id), "token", id);
        if (seesAll(caller) || token.userId === idOf(caller)) return await withUser(token);
        throw new DamselflyError("not_found", `Cannot find token ${id}: it does not exist`);
      },
    ),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a personal access token" },
      ...{ body: Change, reply: Reply },
    }, async ({ params, body }) => {
      if (body.user_id !== undefined) existing(await store.users.get(body.user_id), "user", body.user_id);
      const patch = present({
        bio: body.bio,
        scopes: body.scopes === undefined ? undefined : scopesOf(body.scopes),
        state: body.state,
        expiredAtMs: body.expired_at,
        userId: body.user_id,
      });
      return await withUser(await store.tokens.update(params.id, patch));
    }),
    route({ ...one, method: "DELETE", summary: "Remove a personal access token" }, ({ params }) => {
      return store.tokens.remove(params.id);
    }),
  ];
}

function seesAll(caller: Caller): boolean {
  return mayDo(caller, OBJECT, "*");
}

function idOf(caller: Caller): number {
  return caller.kind === "user" ? caller.user.id : 0;
}

function scopesOf(scopes: readonly string[] | undefined): readonly string[] {
  return scopes === undefined || scopes.length === 0 ? TOKEN_SCOPES : scopes;
}

function json(token: Token, user: User | undefined, secret: string) {
  return {
    ...rowJson(token),
    name: token.name,
    bio: token.bio,
    token: secret,
    scopes: [...token.scopes],
    state: token.state,
    expired_at: timeJson(token.expiredAtMs),
    user_id: token.userId,
    user: user === undefined ? null : userJson(user),
  };
}

/** A new token in the form of stock managers: the text of a UUID, in base64url (manager-rest.md §3). */
function newToken(random: Random): string {
  return Buffer.from(random.uuid()).toString("base64url");
}
