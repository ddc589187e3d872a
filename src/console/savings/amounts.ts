import type { Schemas } from "../api/client.ts";

/** Bytes by where they came from, as the manager tells them. */
export type Amounts = Omit<Schemas["SavingsRow"], "name">;
/** What bytes from registries cost. */
export type Price = Schemas["OriginPrice"];

/** As clouds count them. */
const GB = 1e9;

/** The part of what was served that registries did not send; undefined where nothing was served. */
export function hitRatioOf({ saved_bytes, served_bytes }: Amounts): number | undefined {
  // What was only preheated was sent and not served yet.
  return served_bytes === 0 ? undefined : Math.max(0, saved_bytes / served_bytes);
}

/** What bytes cost, in the currency of the price. */
export function costOf(bytes: number, { per_gb }: Price): number {
  return bytes / GB * per_gb;
}
