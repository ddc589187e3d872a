import * as z from "zod";
import { boundedKeepAliveIntervalMs, isLive, nanosecondsOfMilliseconds } from "../store/liveness.ts";
import type { SchedulerFilter, SchedulerRecord } from "../store/services.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import {
  asked,
  given,
  id,
  IdParams,
  line,
  name,
  nanoseconds,
  numberInText,
  port,
  portOrNone,
  present,
  rowFields,
  rowJson,
  timeJson,
} from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/schedulers";
const FEATURES_PATH = "/api/v1/scheduler-features";
/** What a scheduler may do; a new one may do all of it (manager-rest.md §1.2). */
const FEATURES = ["schedule", "preheat"] as const;
const PLACE_CHARACTERS_MAX = 1_024;

const features = z.array(z.enum(FEATURES)).max(FEATURES.length);
const config = z.object({ manager_keep_alive_interval: given(nanoseconds()) });
const state = z.enum(["active", "inactive"]);

const Creation = z.object({
  host_name: name(),
  ip: z.union([z.ipv4(), z.ipv6()]),
  port: port(),
  scheduler_cluster_id: id(),
  idc: given(line(PLACE_CHARACTERS_MAX)),
  location: given(line(PLACE_CHARACTERS_MAX)),
  features: given(features),
  config: given(config),
});

const Change = z.object({
  ip: given(z.union([z.literal(""), z.ipv4(), z.ipv6()])),
  port: given(portOrNone()),
  scheduler_cluster_id: given(z.int().min(0)),
  idc: given(line(PLACE_CHARACTERS_MAX)),
  location: given(line(PLACE_CHARACTERS_MAX)),
  features: given(features),
  config: given(config),
});

const Query = z.object({
  host_name: line().optional(),
  ip: line().optional(),
  idc: line(PLACE_CHARACTERS_MAX).optional(),
  location: line(PLACE_CHARACTERS_MAX).optional(),
  state: state.optional(),
  scheduler_cluster_id: numberInText().optional(),
});

const Reply = z.object({
  ...rowFields,
  config: z.object({ manager_keep_alive_interval: z.int() }),
  host_name: z.string(),
  idc: z.string(),
  location: z.string(),
  ip: z.string(),
  port: z.int(),
  state,
  features: z.array(z.string()),
  last_keep_alive_at: z.string(),
  scheduler_cluster_id: z.int(),
  scheduler_cluster: z.null(),
}).meta({ id: "Scheduler" });

/** `schedulers` (manager-rest.md §1.2). */
export function schedulerRoutes({ store, clock }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  const json = (row: SchedulerRecord) => schedulerJson(row, clock.wallMs());
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Register a scheduler" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body }) => {
      const scheduler = await store.schedulers.create({
        hostname: body.host_name,
        ip: body.ip,
        port: body.port,
        clusterId: body.scheduler_cluster_id,
        idc: body.idc ?? "",
        location: body.location ?? "",
        features: body.features ?? FEATURES,
        keepAliveIntervalMs: boundedKeepAliveIntervalMs(body.config?.manager_keep_alive_interval ?? 0),
      });
      return json(scheduler);
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List schedulers", isList: true },
      ...{ query: Query, reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<SchedulerFilter>({
        hostname: query.host_name,
        ip: query.ip,
        idc: query.idc,
        location: query.location,
        state: query.state,
        clusterId: query.scheduler_cluster_id,
      });
      const { rows, total } = await store.schedulers.list(filter, page);
      return { rows: rows.map(json), total };
    }),
    route({ ...one, method: "GET", summary: "Show a scheduler", reply: Reply }, async ({ params: { id } }) => {
      return json(existing(await store.schedulers.get(id), "scheduler", id));
    }),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a scheduler" },
      ...{ body: Change, reply: Reply },
    }, async ({ params, body }) => {
      const interval = body.config?.manager_keep_alive_interval;
      const scheduler = await store.schedulers.update(
        params.id,
        present({
          ip: body.ip || undefined,
          port: body.port || undefined,
          clusterId: body.scheduler_cluster_id || undefined,
          idc: body.idc,
          location: body.location,
          features: body.features,
          keepAliveIntervalMs: interval === undefined ? undefined : boundedKeepAliveIntervalMs(interval),
        }),
      );
      return json(scheduler);
    }),
    route({ ...one, method: "DELETE", summary: "Remove a scheduler" }, ({ params }) => {
      return store.schedulers.remove(params.id);
    }),
    route({
      ...{ method: "GET", path: FEATURES_PATH, access: roleAccess(FEATURES_PATH) },
      ...{ summary: "List what schedulers may do", reply: z.array(z.string()) },
    }, () => Promise.resolve([...FEATURES])),
  ];
}

/** The JSON of a scheduler; one that has fallen silent is inactive, whatever its row says. */
function schedulerJson(scheduler: SchedulerRecord, nowMs: number) {
  return {
    ...rowJson(scheduler),
    config: { manager_keep_alive_interval: nanosecondsOfMilliseconds(scheduler.keepAliveIntervalMs) },
    host_name: scheduler.hostname,
    idc: scheduler.idc,
    location: scheduler.location,
    ip: scheduler.ip,
    port: scheduler.port,
    state: isLive(scheduler, nowMs) ? "active" as const : "inactive" as const,
    features: [...scheduler.features],
    last_keep_alive_at: timeJson(scheduler.lastKeepAliveAtMs),
    scheduler_cluster_id: scheduler.clusterId,
    scheduler_cluster: null,
  };
}
