import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";
import type { RestOptions } from "../manager/rest/context.ts";
import { openApiDocument } from "../manager/rest/openapi.ts";
import { apiRoutes } from "../manager/rest/routes.ts";

const HEAD = "// Written by `deno task gen` from the routes of the manager.\n\n";

/** The types of the manager's API as the console uses it, by path from the project's root. */
export async function generateConsoleApi(): Promise<Map<string, string>> {
  // Nothing is called: what routes take and give is known without anything that they work on.
  const routes = apiRoutes({ store: {} } as RestOptions).filter(({ path }) => path.startsWith("/api/"));
  const tree = await openapiTS(openApiDocument(routes) as unknown as OpenAPI3);
  return new Map([["src/console/api/gen/schema.ts", HEAD + astToString(tree)]]);
}
