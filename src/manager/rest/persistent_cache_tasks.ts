import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { idInText, name } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/persistent-cache-tasks";
const ClusterQuery = z.object({ scheduler_cluster_id: idInText() });
const TaskParams = z.object({ id: name() });

/** `persistent-cache-tasks` (manager-rest.md §1.2): schedulers of Dragonfly keep them in Redis, ours have none. */
export function persistentCacheTaskRoutes(): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: TaskParams, query: ClusterQuery };
  const refuse = ({ params }: { readonly params: z.infer<typeof TaskParams> }) => {
    const message = `Cannot find persistent cache task ${params.id}: our schedulers keep none`;
    return Promise.reject(new DamselflyError("not_found", message));
  };
  return [
    route({
      ...{ method: "GET", path: PATH, access, summary: "List persistent cache tasks; there are none", isList: true },
      ...{ query: ClusterQuery, reply: z.never() },
    }, () => Promise.resolve({ rows: [], total: 0 })),
    route({ ...one, method: "GET", summary: "Show a persistent cache task; there is none" }, refuse),
    route({ ...one, method: "DELETE", summary: "Remove a persistent cache task; there is none" }, refuse),
  ];
}
