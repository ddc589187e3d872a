import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { GC_CONFIG, GcConfig } from "../old_rows.ts";
import type { Config, ConfigFilter } from "../store/configs.ts";
import type { User } from "../store/users.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { asked, bio, given, id, IdParams, line, name, numberInText, present, rowFields, rowJson } from "./fields.ts";
import { ORIGIN_PRICE_CONFIG, OriginPrice } from "./origin_price.ts";
import { roleAccess, type Route, route } from "./route.ts";
import { userJson, UserReply } from "./users.ts";

const PATH = "/api/v1/configs";
const VALUE_CHARACTERS_MAX = 1_024;

/** The settings that the manager reads, and how they are written. */
const KNOWN: Readonly<Record<string, { readonly value: z.ZodType; readonly form: string }>> = {
  [GC_CONFIG]: { value: GcConfig, form: '{"audit":{"ttl":<nanoseconds>},"job":{"ttl":<nanoseconds>}}' },
  [ORIGIN_PRICE_CONFIG]: { value: OriginPrice, form: '{"per_gb":0.09,"currency":"USD"}' },
};

const value = z.string().max(VALUE_CHARACTERS_MAX);
const Creation = z.object({ name: name(), value: value.min(1), bio: given(bio()), user_id: id() });
const Change = z.object({ name: given(line()), value: given(value), bio: given(bio()), user_id: given(id()) });
const Query = z.object({
  name: line().optional(),
  value: value.optional(),
  user_id: numberInText().optional(),
});
const Reply = z.object({
  ...rowFields,
  name: z.string(),
  value: z.string(),
  bio: z.string(),
  user_id: z.int(),
  user: UserReply.nullable(),
}).meta({ id: "Config" });

/** `configs`: settings that live in the database (manager-rest.md §1.2). */
export function configRoutes({ store }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  const withUser = async (config: Config) => json(config, await store.users.get(config.userId));
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Add a setting" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body: { user_id: userId, bio = "", ...rest } }) => {
      checkValue(rest.name, rest.value);
      return await withUser(await store.configs.create({ ...rest, bio, userId }));
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List settings", isList: true },
      ...{ query: Query, reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<ConfigFilter>({ name: query.name, value: query.value, userId: query.user_id });
      const { rows, total } = await store.configs.list(filter, page);
      const users = await store.users.getMany(rows.map(({ userId }) => userId));
      return { rows: rows.map((row) => json(row, users.get(row.userId))), total };
    }),
    route({ ...one, method: "GET", summary: "Show a setting", reply: Reply }, async ({ params: { id } }) => {
      return await withUser(existing(await store.configs.get(id), "setting", id));
    }),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a setting" },
      ...{ body: Change, reply: Reply },
    }, async ({ params: { id }, body }) => {
      const before = existing(await store.configs.get(id), "setting", id);
      checkValue(body.name || before.name, body.value || before.value);
      const patch = present({
        name: body.name || undefined,
        value: body.value || undefined,
        bio: body.bio,
        userId: body.user_id,
      });
      return await withUser(await store.configs.update(id, patch));
    }),
    route({ ...one, method: "DELETE", summary: "Remove a setting" }, ({ params }) => store.configs.remove(params.id)),
  ];
}

/** What the manager itself reads must be readable; nobody would learn of it later. */
function checkValue(name: string, value: string): void {
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known === undefined) return;
  try {
    known.value.parse(JSON.parse(value));
  } catch (cause) {
    throw new DamselflyError("invalid_argument", `value: the setting ${name} has the form ${known.form}`, { cause });
  }
}

function json(config: Config, user: User | undefined) {
  return {
    ...rowJson(config),
    name: config.name,
    value: config.value,
    bio: config.bio,
    user_id: config.userId,
    user: user === undefined ? null : userJson(user),
  };
}
