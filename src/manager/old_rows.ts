import * as z from "zod";
import { errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { millisecondsOfNanoseconds } from "./store/liveness.ts";
import type { Store } from "./store/store.ts";

/** The setting of how long audits and jobs are kept. */
export const GC_CONFIG = "gc";
/** What it says until somebody changes it. */
export const AUDIT_TTL_MS = 7 * 24 * 60 * 60_000;
export const JOB_TTL_MS = 6 * 60 * 60_000;

/** How long the ledger is kept; also how long a sender may be silent whose number is remembered. */
export const TRAFFIC_TTL_MS = 90 * 24 * 60 * 60_000;

const ROUND_INTERVAL_MS = 60 * 60_000;
/** Rows that are removed in one transaction. */
const BATCH = 5_000;

const ttl = z.object({ ttl: z.int().min(0).transform(millisecondsOfNanoseconds) });
/** The value of the setting: nanoseconds, as Go writes durations; milliseconds in code. */
export const GcConfig = z.object({ audit: ttl, job: ttl });

/** Removes, every hour, audits and jobs that are older than the setting `gc` allows, and old totals. Disposing it ends that. */
export function removeOldRows(
  { store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log },
): AsyncDisposable {
  let round: Promise<void> | undefined;
  const timer = clock.every(ROUND_INTERVAL_MS, () => {
    round ??= remove(store, clock, log)
      .catch((error) => log.error("Old audits, jobs and totals could not be removed", { error: errorText(error) }))
      .finally(() => round = undefined);
  });
  return {
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      await round;
    },
  };
}

/** What gets old. */
export type OldRows = "audit" | "job";

/** Removes what is older than the setting `gc` allows; how many rows. */
export async function removeOld(
  kind: OldRows,
  { store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log },
): Promise<number> {
  return await removeBefore(kind, store, clock.wallMs() - (await settings(store, log))[kind].ttl);
}

async function remove(store: Store, clock: Clock, log: Log): Promise<void> {
  const { audit, job } = await settings(store, log);
  const now = clock.wallMs();
  await removeBefore("audit", store, now - audit.ttl);
  await removeBefore("job", store, now - job.ttl);
  await removeBefore("traffic", store, now - TRAFFIC_TTL_MS);
}

async function removeBefore(kind: OldRows | "traffic", store: Store, beforeMs: number): Promise<number> {
  const rows = { audit: store.audits, job: store.jobs, traffic: store.traffic }[kind];
  for (let purged = 0;;) {
    const count = await rows.removeBefore(beforeMs, BATCH);
    purged += count;
    if (count < BATCH) return purged;
  }
}

async function settings(store: Store, log: Log): Promise<z.infer<typeof GcConfig>> {
  const value = (await store.configs.findByName(GC_CONFIG))?.value;
  try {
    if (value !== undefined) return GcConfig.parse(JSON.parse(value));
  } catch {
    log.warn(`The setting ${GC_CONFIG} is not readable: audits are kept for 7 days and jobs for 6 hours`);
  }
  return { audit: { ttl: AUDIT_TTL_MS }, job: { ttl: JOB_TTL_MS } };
}
