import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { Permission } from "../store/roles.ts";
import { ROOT } from "../default_password.ts";
import type { RestOptions } from "./context.ts";
import { name } from "./fields.ts";
import { Answer, roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/roles";
const PERMISSIONS_PATH = "/api/v1/permissions";
const NAME_CHARACTERS_MAX = 100;
const PERMISSIONS_MAX = 1_000;

const PermissionBody = z.object({ object: name(NAME_CHARACTERS_MAX), action: z.enum(["read", "*"]) });
const RoleParams = z.object({ role: name(NAME_CHARACTERS_MAX) });
const RoleCreation = z.object({
  role: name(NAME_CHARACTERS_MAX),
  permissions: z.array(PermissionBody).min(1).max(PERMISSIONS_MAX),
});

/** `roles` and `permissions` (manager-rest.md §1.2); `groups` is what permissions can be given for. */
export function roleRoutes({ store: { roles } }: RestOptions, groups: readonly string[]): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:role`, access, params: RoleParams };
  const rights = { path: `${PATH}/:role/permissions`, access, params: RoleParams, body: PermissionBody };
  const checkGroups = (permissions: readonly Permission[]) => {
    const unknown = permissions.find(({ object }) => !groups.includes(object));
    if (unknown === undefined) return;
    const message = `permissions: there is no group "${unknown.object}"; GET ${PERMISSIONS_PATH} lists them`;
    throw new DamselflyError("invalid_argument", message);
  };
  return [
    route(
      { method: "POST", path: PATH, access, summary: "Make a role", body: RoleCreation },
      async ({ body: { role, permissions } }) => {
        checkGroups(permissions);
        await roles.addPermissions(role, permissions);
      },
    ),
    route(
      { method: "GET", path: PATH, access, summary: "List roles", reply: z.array(z.string()) },
      () => roles.roles(),
    ),
    route(
      { ...one, method: "GET", summary: "Show the rights of a role", reply: z.array(z.array(z.string())) },
      async ({ params: { role } }) => {
        return (await roles.permissionsOf(role)).map(({ object, action }) => [role, object, action]);
      },
    ),
    route({ ...one, method: "DELETE", summary: "Remove a role" }, async ({ params: { role } }) => {
      refuseRoot(role);
      if (!await roles.removeRole(role)) throw unknownRole(role);
    }),
    route({ ...rights, method: "POST", summary: "Give a right to a role" }, async ({ params: { role }, body }) => {
      checkGroups([body]);
      return await roles.addPermissions(role, [body]) > 0 ? undefined : new Answer(undefined, { status: 409 });
    }),
    route({ ...rights, method: "DELETE", summary: "Take a right from a role" }, async ({ params: { role }, body }) => {
      refuseRoot(role);
      if (!await roles.removePermission(role, body)) throw unknownRole(role);
    }),
    route({
      ...{ method: "GET", path: PERMISSIONS_PATH, access: roleAccess(PERMISSIONS_PATH) },
      ...{ summary: "List all rights that can be given", reply: z.array(PermissionBody) },
    }, () => {
      const all = groups.flatMap((object) => (["*", "read"] as const).map((action) => ({ object, action })));
      return Promise.resolve(all);
    }),
  ];
}

/** Root gets its rights back at each start; without them nobody could give any meanwhile. */
function refuseRoot(role: string): void {
  if (role !== ROOT) return;
  throw new DamselflyError("failed_precondition", `Cannot take rights from role ${ROOT}: nobody could give them back`);
}

function unknownRole(role: string): DamselflyError {
  return new DamselflyError("not_found", `Cannot change role "${role}": it has no such right`);
}
