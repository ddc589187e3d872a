import * as z from "zod";
import { TRAFFIC_TTL_MS } from "../old_rows.ts";
import { TRAFFIC_KEYS, type TrafficBytes } from "../store/traffic.ts";
import type { RestOptions } from "./context.ts";
import { time, timeJson } from "./fields.ts";
import { OriginPrice, originPrice } from "./origin_price.ts";
import { type Access, type Route, route } from "./route.ts";

const HOUR_MS = 60 * 60_000;
const SINCE_DEFAULT_MS = 7 * 24 * HOUR_MS;
const ROWS_MAX = 1_000;
/** All hours of the longest time that there are totals of. */
const HOURS_MAX = TRAFFIC_TTL_MS / HOUR_MS + 24;

const Query = z.object({
  since: time().optional().meta({ description: "Left out, the last seven days. Whole hours are counted." }),
  by: z.enum(TRAFFIC_KEYS).default("repository"),
});

/** What was moved, as JSON has it. */
export const trafficFields = {
  origin_bytes: z.number().meta({ description: "From registries and other servers." }),
  peer_bytes: z.number().meta({ description: "From other hosts." }),
  local_bytes: z.number().meta({ description: "From the disk of the host itself." }),
  served_bytes: z.number().meta({ description: "What programs on hosts got." }),
  saved_bytes: z.number().meta({
    description: "What registries would have sent besides: served less origin. Below 0 for what was only preheated.",
  }),
  pulls: z.number(),
};

const Row = z.object({ name: z.string(), ...trafficFields }).meta({ id: "SavingsRow" });

const Reply = z.object({
  since: z.string(),
  by: z.enum(TRAFFIC_KEYS),
  total: z.object(trafficFields),
  origin_price: OriginPrice.nullable().meta({ description: "What bytes from registries cost, where that is set." }),
  rows: z.array(Row).meta({
    description: `What was served most comes first; ${ROWS_MAX} at most. All hours in order.`,
  }),
}).meta({ id: "Savings" });

/** What the swarm moved, and what it spared the registries. */
export function savingsRoutes(options: RestOptions, prefix: "/api/v1" | "/oapi/v1", access: Access): Route[] {
  const { store, clock } = options;
  return [route({
    ...{ method: "GET", path: `${prefix}/savings`, access, summary: "Show bytes by where they came from" },
    ...{ query: Query, reply: Reply },
  }, async ({ query: { since = clock.wallMs() - SINCE_DEFAULT_MS, by } }) => {
    const sinceMs = Math.floor(since / HOUR_MS) * HOUR_MS;
    const rows = await store.traffic.totals(by, sinceMs, by === "hour" ? HOURS_MAX : ROWS_MAX);
    return {
      since: timeJson(sinceMs),
      by,
      total: trafficJson(await store.traffic.total(sinceMs)),
      origin_price: await originPrice(options),
      rows: rows.map(({ name, ...bytes }) => ({
        name: by === "hour" ? timeJson(Number(name)) : name,
        ...trafficJson(bytes),
      })),
    };
  })];
}

/** The values of {@link trafficFields}. */
export function trafficJson({ originBytes, peerBytes, localBytes, servedBytes, pulls }: TrafficBytes) {
  return {
    ...{ origin_bytes: originBytes, peer_bytes: peerBytes, local_bytes: localBytes, served_bytes: servedBytes },
    ...{ saved_bytes: servedBytes - originBytes, pulls },
  };
}
