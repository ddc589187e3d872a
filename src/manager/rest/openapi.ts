import * as z from "zod";
import { VERSION } from "../../core/version.ts";
import type { Access, Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

/** How each kind of access is written down. */
const SECURITY: Record<Access["kind"], Json[]> = {
  public: [],
  session: [{ session: [] }, { cookie: [] }],
  role: [{ session: [] }, { cookie: [] }],
  token: [{ personalAccessToken: [] }],
};
const SECURITY_SCHEMES = {
  session: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
  cookie: { type: "apiKey", in: "cookie", name: "jwt" },
  personalAccessToken: { type: "http", scheme: "bearer" },
};
const COMPONENTS = "#/components/schemas/";

const Failure = z.object({ message: z.string() }).meta({ id: "Failure" });
const Invalid = z.object({ errors: z.string() }).meta({ id: "Invalid" });
const PageQuery = z.object({ page: z.int().min(1).optional(), per_page: z.int().min(1).optional() });

/** The routes as an OpenAPI 3.1 document: made of the same schemas that check requests. */
export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  const schemas = new Schemas();
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route, schemas);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Damselfly manager", version: VERSION, description: "Durations are nanoseconds, times RFC 3339." },
    paths,
    components: { securitySchemes: SECURITY_SCHEMES, schemas: schemas.named() },
  };
}

function operation(
  { method, path, summary, access, params, query, body, reply, isList }: Route,
  schemas: Schemas,
): Json {
  const [, , , group = ""] = path.split("/");
  const parameters = [
    ...schemas.parameters("path", params),
    ...schemas.parameters("query", query),
    ...schemas.parameters("query", isList === true ? PageQuery : undefined),
  ];
  const isChecked = parameters.length > 0 || body !== undefined;
  return {
    operationId: `${method} ${path}`.replace(/[^A-Za-z0-9]+/g, "_").toLowerCase(),
    summary,
    tags: [group],
    security: SECURITY[access.kind],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: { "application/json": { schema: schemas.of(body) } } } }),
    responses: {
      200: success(reply, isList === true, schemas),
      ...(isChecked ? { 422: content("What was sent is wrong", schemas.of(Invalid)) } : {}),
      "4XX": content("Refused", schemas.of(Failure)),
    },
  };
}

function success(reply: z.ZodType | undefined, isList: boolean, schemas: Schemas): Json {
  if (reply === undefined) return { description: "Done" };
  const schema = schemas.of(reply);
  if (!isList) return content("Done", schema);
  const headers = { Link: { description: "The pages prev, next, first and last", schema: { type: "string" } } };
  return { ...content("A page", { type: "array", items: schema }), headers };
}

function content(description: string, schema: Json): Json {
  return { description, content: { "application/json": { schema } } };
}

/** JSON schemas of zod schemas; those with an `id` are written once, as components. */
class Schemas {
  readonly #named = new Map<string, Json>();

  of(schema: z.ZodType): Json {
    // OpenAPI 3.1 says once which dialect its schemas are.
    const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, {
      ...{ io: "input", unrepresentable: "any", target: "draft-2020-12" },
    }) as Json & { readonly $defs?: Readonly<Record<string, Json>> };
    for (const [id, definition] of Object.entries($defs)) this.#named.set(id, withReferences(definition));
    const whole = withReferences(json);
    const id = z.globalRegistry.get(schema)?.id;
    if (id === undefined) return whole;
    if (whole["$ref"] === undefined) this.#named.set(id, whole);
    return { $ref: COMPONENTS + id };
  }

  /** Each key of an object as a parameter. */
  parameters(place: "path" | "query", schema: z.ZodType | undefined): Json[] {
    if (schema === undefined) return [];
    const { properties = {}, required = [] } = this.of(schema) as {
      readonly properties?: Readonly<Record<string, Json>>;
      readonly required?: readonly string[];
    };
    return Object.entries(properties).map(([name, type]) => {
      return { name, in: place, required: place === "path" || required.includes(name), schema: type };
    });
  }

  named(): Json {
    return Object.fromEntries([...this.#named].sort(([a], [b]) => a < b ? -1 : 1));
  }
}

/** The same schema where what it refers to is a component; its own id is the component's name. */
function withReferences(schema: Json): Json {
  const { id: _, ...rest } = schema;
  return JSON.parse(JSON.stringify(rest).replaceAll('"$ref":"#/$defs/', `"$ref":"${COMPONENTS}`)) as Json;
}
