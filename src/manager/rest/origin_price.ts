import * as z from "zod";
import { errorText } from "../../core/error.ts";
import type { RestOptions } from "./context.ts";

/** The setting of what bytes from registries cost, for all who look at savings. There is none until somebody makes it. */
export const ORIGIN_PRICE_CONFIG = "origin-price";
const PRICE_MAX = 1_000_000;

/** The value of the setting. */
export const OriginPrice = z.object({
  per_gb: z.number().min(0).max(PRICE_MAX).meta({ description: "Of 1,000,000,000 bytes, as clouds count them." }),
  currency: z.string().regex(/^[A-Z]{3}$/, "expected three letters, such as EUR").meta({ description: "ISO 4217." }),
}).meta({ id: "OriginPrice" });

/** What bytes from registries cost; null as long as nobody has said, and where it cannot be read. */
export async function originPrice(
  { store, log }: Pick<RestOptions, "store" | "log">,
): Promise<z.infer<typeof OriginPrice> | null> {
  const config = await store.configs.findByName(ORIGIN_PRICE_CONFIG);
  if (config === undefined) return null;
  try {
    return OriginPrice.parse(JSON.parse(config.value));
  } catch (error) {
    // The REST API stores no such value; another program may have.
    log.warn(`The setting ${ORIGIN_PRICE_CONFIG} is not readable: savings are not told in money`, {
      error: errorText(error),
    });
    return null;
  }
}
