import * as z from "zod";
import { isLive } from "../store/liveness.ts";
import type { SeedPeerFilter, SeedPeerRecord } from "../store/services.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import {
  asked,
  given,
  id,
  idOrNone,
  IdParams,
  line,
  name,
  numberInText,
  port,
  portOrNone,
  present,
  rowFields,
  rowJson,
} from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/seed-peers";
const PLACE_CHARACTERS_MAX = 1_024;

const ip = z.union([z.ipv4(), z.ipv6()]);
const state = z.enum(["active", "inactive"]);

const Creation = z.object({
  host_name: name(),
  type: z.literal("super"),
  ip,
  port: port(),
  download_port: port(),
  object_storage_port: given(portOrNone()),
  seed_peer_cluster_id: id(),
  idc: given(line(PLACE_CHARACTERS_MAX)),
  location: given(line(PLACE_CHARACTERS_MAX)),
});

const Change = z.object({
  type: given(z.enum(["", "super"])),
  ip: given(z.union([z.literal(""), ip])),
  port: given(portOrNone()),
  download_port: given(portOrNone()),
  object_storage_port: given(portOrNone()),
  seed_peer_cluster_id: given(idOrNone()),
  idc: given(line(PLACE_CHARACTERS_MAX)),
  location: given(line(PLACE_CHARACTERS_MAX)),
});

const Query = z.object({
  host_name: line().optional(),
  type: line().optional(),
  ip: line().optional(),
  port: numberInText().optional(),
  download_port: numberInText().optional(),
  object_storage_port: numberInText().optional(),
  idc: line(PLACE_CHARACTERS_MAX).optional(),
  location: line(PLACE_CHARACTERS_MAX).optional(),
  state: state.optional(),
  seed_peer_cluster_id: numberInText().optional(),
});

const Reply = z.object({
  ...rowFields,
  host_name: z.string(),
  type: z.string(),
  idc: z.string(),
  location: z.string(),
  ip: z.string(),
  port: z.int(),
  download_port: z.int(),
  object_storage_port: z.int(),
  state,
  seed_peer_cluster_id: z.int(),
  seed_peer_cluster: z.null(),
}).meta({ id: "SeedPeer" });

/** `seed-peers` (manager-rest.md §1.2). */
export function seedPeerRoutes({ store, clock }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  const json = (row: SeedPeerRecord) => seedPeerJson(row, clock.wallMs());
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Register a seed peer" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body }) => {
      const seedPeer = await store.seedPeers.create({
        hostname: body.host_name,
        type: body.type,
        ip: body.ip,
        port: body.port,
        downloadPort: body.download_port,
        objectStoragePort: body.object_storage_port ?? 0,
        clusterId: body.seed_peer_cluster_id,
        idc: body.idc ?? "",
        location: body.location ?? "",
      });
      return json(seedPeer);
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List seed peers", isList: true },
      ...{ query: Query, reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<SeedPeerFilter>({
        hostname: query.host_name,
        type: query.type,
        ip: query.ip,
        port: query.port,
        downloadPort: query.download_port,
        objectStoragePort: query.object_storage_port,
        idc: query.idc,
        location: query.location,
        state: query.state,
        clusterId: query.seed_peer_cluster_id,
      });
      const { rows, total } = await store.seedPeers.list(filter, page);
      return { rows: rows.map(json), total };
    }),
    route({ ...one, method: "GET", summary: "Show a seed peer", reply: Reply }, async ({ params: { id } }) => {
      return json(existing(await store.seedPeers.get(id), "seed peer", id));
    }),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a seed peer" },
      ...{ body: Change, reply: Reply },
    }, async ({ params, body }) => {
      const seedPeer = await store.seedPeers.update(
        params.id,
        present({
          type: body.type || undefined,
          ip: body.ip || undefined,
          port: body.port || undefined,
          downloadPort: body.download_port || undefined,
          objectStoragePort: body.object_storage_port,
          clusterId: body.seed_peer_cluster_id || undefined,
          idc: body.idc,
          location: body.location,
        }),
      );
      return json(seedPeer);
    }),
    route({ ...one, method: "DELETE", summary: "Remove a seed peer" }, ({ params }) => {
      return store.seedPeers.remove(params.id);
    }),
  ];
}

/** The JSON of a seed peer; one that has fallen silent is inactive, whatever its row says. */
function seedPeerJson(seedPeer: SeedPeerRecord, nowMs: number) {
  return {
    ...rowJson(seedPeer),
    host_name: seedPeer.hostname,
    type: seedPeer.type,
    idc: seedPeer.idc,
    location: seedPeer.location,
    ip: seedPeer.ip,
    port: seedPeer.port,
    download_port: seedPeer.downloadPort,
    object_storage_port: seedPeer.objectStoragePort,
    state: isLive(seedPeer, nowMs) ? "active" as const : "inactive" as const,
    seed_peer_cluster_id: seedPeer.clusterId,
    seed_peer_cluster: null,
  };
}
