import * as z from "zod";
import { errorText } from "../../core/error.ts";
import { parsePattern } from "../../core/pattern.ts";
import type { Application, ApplicationFilter } from "../store/applications.ts";
import { ApplicationPriority } from "../store/records.ts";
import type { User } from "../store/users.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { asked, bio, given, id, IdParams, line, name, numberInText, present, rowFields, rowJson } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";
import { userJson, UserReply } from "./users.ts";

const PATH = "/api/v1/applications";
const URL_CHARACTERS_MAX = 4_096;

/** A priority whose patterns can be matched: a broken one would leave its downloads without it. */
const Priority = ApplicationPriority.superRefine(({ urls = [] }, context) => {
  for (const [index, { regex }] of urls.entries()) {
    try {
      parsePattern(regex);
    } catch (error) {
      context.addIssue({ code: "custom", path: ["urls", index, "regex"], message: errorText(error) });
    }
  }
});

const Creation = z.object({
  name: name(),
  url: name(URL_CHARACTERS_MAX),
  bio: given(bio()),
  priority: Priority,
  user_id: id(),
});

const Change = z.object({
  name: given(line()),
  url: given(line(URL_CHARACTERS_MAX)),
  bio: given(bio()),
  priority: given(Priority),
  user_id: id(),
});

const Reply = z.object({
  ...rowFields,
  name: z.string(),
  url: z.string(),
  bio: z.string(),
  priority: ApplicationPriority,
  user_id: z.int(),
  user: UserReply.nullable(),
}).meta({ id: "Application" });

/** `applications`: who downloads with which priority (manager-rest.md §1.2). */
export function applicationRoutes({ store }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  const withUser = async (application: Application) => json(application, await store.users.get(application.userId));
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Name an application" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body: { user_id: userId, bio = "", ...rest } }) => {
      existing(await store.users.get(userId), "user", userId);
      return await withUser(await store.applications.create({ ...rest, bio, userId }));
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List applications", isList: true },
      ...{ query: z.object({ name: line().optional(), user_id: numberInText().optional() }), reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<ApplicationFilter>({ name: query.name, userId: query.user_id });
      const { rows, total } = await store.applications.list(filter, page);
      const users = await store.users.getMany(rows.map(({ userId }) => userId));
      return { rows: rows.map((row) => json(row, users.get(row.userId))), total };
    }),
    route({ ...one, method: "GET", summary: "Show an application", reply: Reply }, async ({ params: { id } }) => {
      return await withUser(existing(await store.applications.get(id), "application", id));
    }),
    route({
      ...{ ...one, method: "PATCH", summary: "Change an application" },
      ...{ body: Change, reply: Reply },
    }, async ({ params, body }) => {
      existing(await store.users.get(body.user_id), "user", body.user_id);
      const patch = present({
        name: body.name || undefined,
        url: body.url || undefined,
        bio: body.bio,
        priority: body.priority,
        userId: body.user_id,
      });
      return await withUser(await store.applications.update(params.id, patch));
    }),
    route({ ...one, method: "DELETE", summary: "Remove an application" }, ({ params }) => {
      return store.applications.remove(params.id);
    }),
  ];
}

function json(application: Application, user: User | undefined) {
  return {
    ...rowJson(application),
    name: application.name,
    url: application.url,
    bio: application.bio,
    priority: application.priority,
    user_id: application.userId,
    user: user === undefined ? null : userJson(user),
  };
}
