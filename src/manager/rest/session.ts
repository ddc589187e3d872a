import * as z from "zod";
import { VERSION } from "../../core/version.ts";
import { DefaultPassword } from "../default_password.ts";
import type { RestOptions } from "./context.ts";
import { type Route, route } from "./route.ts";
import { userJson, UserReply } from "./users.ts";

const SessionReply = z.object({
  user: UserReply.nullable().meta({ description: "Who is signed in; null for nobody." }),
  permissions: z.array(z.object({ object: z.string(), action: z.enum(["read", "*"]) })),
  has_default_password: z.boolean().meta({ description: "Whether everybody knows the password of this user." }),
  must_change_password: z.boolean().meta({ description: "Whether nothing else is allowed until it is changed." }),
  open_sign_up: z.boolean().meta({ description: "Whether people may make accounts for themselves." }),
  version: z.string(),
}).meta({ id: "Session" });

/**
 * Who is signed in and what he may do: for the console, whose scripts cannot read the cookie. Nobody's session is no
 * error here, and whoever has to change his password first learns it.
 */
export function sessionRoutes(
  { store, sessions, openSignUp, allowDefaultPassword, scrypt }: RestOptions,
): Route[] {
  const defaultPassword = new DefaultPassword(scrypt);
  return [route({
    ...{
      method: "GET",
      path: "/api/v1/session",
      access: { kind: "public" },
      summary: "Show the session of the caller",
    },
    reply: SessionReply,
  }, async ({ sessionToken, address, foundCaller }) => {
    const common = { open_sign_up: openSignUp, version: VERSION };
    const opened = await sessions.read(sessionToken ?? "");
    const user = opened === undefined ? undefined : await store.users.get(opened.userId);
    if (opened === undefined || !sessions.isLive(opened, user)) {
      return { ...common, user: null, permissions: [], has_default_password: false, must_change_password: false };
    }
    foundCaller(user);
    const isDefault = await defaultPassword.isOf(user);
    const mustChange = isDefault && !address.isLocal && !allowDefaultPassword;
    return {
      ...common,
      user: userJson(user),
      permissions: mustChange ? [] : [...await store.roles.permissionsOfUser(user.id)],
      has_default_password: isDefault,
      must_change_password: mustChange,
    };
  })];
}
