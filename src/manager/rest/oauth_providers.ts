import * as z from "zod";
import type { OauthProvider, OauthProviderFilter } from "../store/oauth_providers.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { asked, bio, given, IdParams, line, name, present, rowFields, rowJson } from "./fields.ts";
import { OAUTH_PROVIDERS } from "./oauth_endpoints.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/oauth";
const SECRET_CHARACTERS_MAX = 1_024;

const providerName = z.enum(OAUTH_PROVIDERS);
const redirectUrl = z.url({ protocol: /^https?$/ }).max(SECRET_CHARACTERS_MAX);
const Creation = z.object({
  name: providerName,
  client_id: name(),
  client_secret: name(SECRET_CHARACTERS_MAX),
  bio: given(bio()),
  redirect_url: given(z.union([z.literal(""), redirectUrl])),
});
const Change = z.object({
  name: given(z.union([z.literal(""), providerName])),
  client_id: given(line()),
  client_secret: given(line(SECRET_CHARACTERS_MAX)),
  bio: given(bio()),
  redirect_url: given(z.union([z.literal(""), redirectUrl])),
});
const Reply = z.object({
  ...rowFields,
  name: z.string(),
  bio: z.string(),
  client_id: z.string(),
  redirect_url: z.string(),
}).meta({ id: "OauthProvider" });

/** `oauth`: where people may sign in instead; the client secret is never shown (manager-rest.md §1.2). */
export function oauthProviderRoutes({ store: { oauthProviders } }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Add a provider of sign-ins" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body }) => {
      const provider = await oauthProviders.create({
        name: body.name,
        bio: body.bio ?? "",
        clientId: body.client_id,
        clientSecret: body.client_secret,
        redirectUrl: body.redirect_url ?? "",
      });
      return json(provider);
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List providers of sign-ins", isList: true },
      ...{ query: z.object({ name: line().optional(), client_id: line().optional() }), reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<OauthProviderFilter>({ name: query.name, clientId: query.client_id });
      const { rows, total } = await oauthProviders.list(filter, page);
      return { rows: rows.map(json), total };
    }),
    route(
      { ...one, method: "GET", summary: "Show a provider of sign-ins", reply: Reply },
      async ({ params: { id } }) => {
        return json(existing(await oauthProviders.get(id), "provider", id));
      },
    ),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a provider of sign-ins" },
      ...{ body: Change, reply: Reply },
    }, async ({ params, body }) => {
      const patch = present({
        name: body.name || undefined,
        bio: body.bio,
        clientId: body.client_id || undefined,
        clientSecret: body.client_secret || undefined,
        redirectUrl: body.redirect_url || undefined,
      });
      return json(await oauthProviders.update(params.id, patch));
    }),
    route({ ...one, method: "DELETE", summary: "Remove a provider of sign-ins" }, ({ params }) => {
      return oauthProviders.remove(params.id);
    }),
  ];
}

function json(provider: OauthProvider) {
  return {
    ...rowJson(provider),
    name: provider.name,
    bio: provider.bio,
    client_id: provider.clientId,
    redirect_url: provider.redirectUrl,
  };
}
