/** Values of older charts. Templates translate them, or refuse them with the name of today; no reference has them. */
import * as z from "zod";

const old = (schema: z.ZodType, today: string) => schema.optional().meta({ type: "value", replacedBy: today });

const table = (today: string) => old(z.record(z.string(), z.unknown()), today);

/** Tables at the top. */
export const OLD_TABLES = {
  dfdaemon: table("client"),
  seedPeer: table("seedClient"),
  containerRuntime: table("client.dfinit.config.containerRuntime"),
  cdn: table("seedClient"),
  trainer: table("nothing"),
  triton: table("nothing"),
  injector: table("nothing"),
};

/** Keys that each component had besides an image that was a text. */
export const OLD_IMAGE_KEYS = {
  tag: old(z.string(), "image.tag"),
  pullPolicy: old(z.string(), "image.pullPolicy"),
};

/** Keys of the file of peers that the chart alone understands, by table. */
export const OLD_PEER_KEYS: Readonly<Record<string, object>> = {
  dfdaemon: { pprofPort: { type: "integer", description: "Port of profiles: stats.server.port today." } },
  "dfdaemon.manager": { addrs: { type: "array", items: { type: "string" }, description: "manager.addr today." } },
};
