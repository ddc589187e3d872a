import * as z from "zod";
import { TRAFFIC_KEYS, type TrafficBytes } from "../store/traffic.ts";
import type { RestOptions } from "./context.ts";
import { time, timeJson } from "./fields.ts";
import { type Access, type Route, route } from "./route.ts";

const HOUR_MS = 60 * 60_000;
const SINCE_DEFAULT_MS = 7 * 24 * HOUR_MS;
const ROWS_MAX = 1_000;

const Query = z.object({
  since: time().optional().meta({ description: "Left out, the last seven days. Whole hours are counted." }),
  by: z.enum(TRAFFIC_KEYS).default("repository"),
});

const amounts = {
  origin_bytes: z.number().meta({ description: "From registries and other servers." }),
  peer_bytes: z.number().meta({ description: "From other hosts." }),
  local_bytes: z.number().meta({ description: "From the disk of the host itself." }),
  served_bytes: z.number().meta({ description: "What programs on hosts got." }),
  saved_bytes: z.number().meta({
    description: "What registries would have sent besides: served less origin. Below 0 for what was only preheated.",
  }),
  pulls: z.number(),
};

const Row = z.object({ name: z.string(), ...amounts }).meta({ id: "SavingsRow" });

const Reply = z.object({
  since: z.string(),
  by: z.enum(TRAFFIC_KEYS),
  total: z.object(amounts),
  rows: z.array(Row).meta({ description: `What was served most comes first; ${ROWS_MAX} at most. Hours in order.` }),
}).meta({ id: "Savings" });

/** What the swarm moved, and what it spared the registries. */
export function savingsRoutes({ store, clock }: RestOptions, prefix: "/api/v1" | "/oapi/v1", access: Access): Route[] {
  return [route({
    ...{ method: "GET", path: `${prefix}/savings`, access, summary: "Show bytes by where they came from" },
    ...{ query: Query, reply: Reply },
  }, async ({ query: { since = clock.wallMs() - SINCE_DEFAULT_MS, by } }) => {
    const sinceMs = Math.floor(since / HOUR_MS) * HOUR_MS;
    const rows = await store.traffic.totals(by, sinceMs, ROWS_MAX);
    return {
      since: timeJson(sinceMs),
      by,
      total: json(await store.traffic.total(sinceMs)),
      rows: rows.map(({ name, ...bytes }) => ({ name: by === "hour" ? timeJson(Number(name)) : name, ...json(bytes) })),
    };
  })];
}

function json({ originBytes, peerBytes, localBytes, servedBytes, pulls }: TrafficBytes) {
  return {
    ...{ origin_bytes: originBytes, peer_bytes: peerBytes, local_bytes: localBytes, served_bytes: servedBytes },
    ...{ saved_bytes: servedBytes - originBytes, pulls },
  };
}
