import * as z from "zod";
import type { Audit, AuditFilter } from "../store/audits.ts";
import { JsonObject } from "../store/records.ts";
import type { RestOptions } from "./context.ts";
import { asked, line, numberInText, rowFields, rowJson, timeJson } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/audits";
const PATH_CHARACTERS_MAX = 1_024;

const actorType = z.enum(["UNKNOWN", "USER", "PAT"]);
const state = z.enum(["SUCCESS", "FAILURE"]);

const Query = z.object({
  actor_type: actorType.optional(),
  actor_name: line().optional(),
  event_type: line().optional(),
  operation: line().optional(),
  state: state.optional(),
  path: line(PATH_CHARACTERS_MAX).optional(),
  status_code: numberInText().optional(),
});

const Reply = z.object({
  ...rowFields,
  actor_type: actorType,
  actor_name: z.string(),
  event_type: z.string(),
  operation: z.string(),
  operated_at: z.string(),
  state,
  path: z.string(),
  status_code: z.int(),
  detail: JsonObject,
}).meta({ id: "Audit" });

/** `audits`: who asked for what; the newest first (manager-rest.md §1.2). */
export function auditRoutes({ store }: RestOptions): Route[] {
  return [route({
    ...{ method: "GET", path: PATH, access: roleAccess(PATH), summary: "List audits", isList: true },
    ...{ query: Query, reply: Reply },
  }, async ({ query, page }) => {
    const filter = asked<AuditFilter>({
      actorType: query.actor_type,
      actorName: query.actor_name,
      eventType: query.event_type,
      operation: query.operation,
      state: query.state,
      path: query.path,
      statusCode: query.status_code,
    });
    const { rows, total } = await store.audits.list(filter, page);
    return { rows: rows.map(json), total };
  })];
}

function json(audit: Audit) {
  return {
    ...rowJson(audit),
    actor_type: audit.actorType,
    actor_name: audit.actorName,
    event_type: audit.eventType,
    operation: audit.operation,
    operated_at: timeJson(audit.operatedAtMs),
    state: audit.state,
    path: audit.path,
    status_code: audit.statusCode,
    detail: audit.detail,
  };
}
