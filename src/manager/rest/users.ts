import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { User, UserFilter } from "../store/users.ts";
import { mayDo } from "./access.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { asked, bio, given, idInText, IdParams, line, name, present, rowFields, rowJson } from "./fields.ts";
import { Answer, type Caller, roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/users";
const OBJECT = "users";

const state = z.enum(["enable", "disable"]);
/** What people say of themselves. */
export const profileFields = {
  phone: given(line()),
  avatar: given(line()),
  location: given(line()),
  bio: given(bio()),
};
export const email = () => z.email().max(256);

const Change = z.object({
  email: given(z.union([z.literal(""), email()])),
  ...profileFields,
  state: given(state),
});
const Query = z.object({
  name: line().optional(),
  email: line().optional(),
  location: line().optional(),
  state: state.optional(),
});
const RoleParams = z.object({ id: idInText(), role: name(100) });

/** A user as callers get it: never with a password or its hash. */
export const UserReply = z.object({
  ...rowFields,
  email: z.string(),
  name: z.string(),
  avatar: z.string(),
  phone: z.string(),
  state,
  location: z.string(),
  bio: z.string(),
  configs: z.null(),
}).meta({ id: "User" });

/** `users`, but for signing in and passwords (manager-rest.md §1.2). People may see and change themselves. */
export function userRoutes({ store }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const own = { path: `${PATH}/:id`, access: { kind: "session" }, params: IdParams } as const;
  const role = { path: `${PATH}/:id/roles/:role`, access, params: RoleParams };
  return [
    route({
      ...{ method: "GET", path: PATH, access, summary: "List users", isList: true },
      ...{ query: Query, reply: UserReply },
    }, async ({ query, page }) => {
      const { rows, total } = await store.users.list(asked<UserFilter>(query), page);
      return { rows: rows.map(userJson), total };
    }),
    route({ ...own, method: "GET", summary: "Show a user", reply: UserReply }, async ({ params: { id }, caller }) => {
      if (!isSelf(caller, id)) checkRight(caller, "read");
      return userJson(existing(await store.users.get(id), "user", id));
    }),
    route({
      ...{ ...own, method: "PATCH", summary: "Change a user" },
      ...{ body: Change, reply: UserReply },
    }, async ({ params: { id }, body, caller }) => {
      if (!isSelf(caller, id) || body.state !== undefined) checkRight(caller, "*");
      if (isSelf(caller, id) && body.state === "disable") {
        throw new DamselflyError("failed_precondition", "Cannot disable yourself: somebody else has to");
      }
      const patch = present({ ...body, email: body.email || undefined });
      return userJson(await store.users.update(id, patch));
    }),
    route({
      ...{ method: "GET", path: `${PATH}/:id/roles`, access: { kind: "session" }, params: IdParams },
      ...{ summary: "List the roles of a user", reply: z.array(z.string()) },
    }, async ({ params: { id }, caller }) => {
      if (!isSelf(caller, id)) checkRight(caller, "read");
      return await store.roles.rolesOfUser(id);
    }),
    route({ ...role, method: "PUT", summary: "Give a role to a user" }, async ({ params: { id, role: given } }) => {
      existing(await store.users.get(id), "user", id);
      if (!(await store.roles.roles()).includes(given)) {
        throw new DamselflyError("not_found", `Cannot give role "${given}": there is no such role`);
      }
      return await store.roles.grant(id, given) ? undefined : new Answer(undefined, { status: 409 });
    }),
    route({ ...role, method: "DELETE", summary: "Take a role from a user" }, async ({ params, caller }) => {
      if (isSelf(caller, params.id)) {
        throw new DamselflyError("failed_precondition", "Cannot take a role from yourself: somebody else has to");
      }
      return await store.roles.revoke(params.id, params.role) ? undefined : new Answer(undefined, { status: 404 });
    }),
  ];
}

function isSelf(caller: Caller, id: number): boolean {
  return caller.kind === "user" && caller.user.id === id;
}

function checkRight(caller: Caller, action: "read" | "*"): void {
  if (!mayDo(caller, OBJECT, action)) throw new DamselflyError("unauthenticated", "permission deny");
}

/** The JSON of a user. */
export function userJson(user: User) {
  return {
    ...rowJson(user),
    email: user.email,
    name: user.name,
    avatar: user.avatar,
    phone: user.phone,
    state: user.state,
    location: user.location,
    bio: user.bio,
    configs: null,
  };
}
