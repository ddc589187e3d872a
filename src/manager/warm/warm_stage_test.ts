/** A store, jobs that end as a test says, and warm images that nobody seals. */
import { DamselflyError } from "../../core/error.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { JobOrder, JobRunner } from "../rest/job_runner.ts";
import type { Job } from "../store/jobs.ts";
import type { JsonObject } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { warmImageInput } from "../store/warm_conformance_test.ts";
import type { WarmImage, WarmImageInput } from "../store/warm_images.ts";
import { firstProgress } from "./image_steps.ts";

/** 2026-06-01 00:00 UTC, a Monday. */
export const MIDNIGHT = Date.UTC(2026, 5, 1);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Jobs of all managers of a stage. */
export class StageJobs implements Pick<JobRunner, "start"> {
  readonly orders: (JobOrder & { readonly id: number })[] = [];
  /** Why orders are refused. */
  refusal: string | undefined;
  /** How an order ends as soon as it is taken; it runs on when there is none. */
  endOf: (order: JobOrder) => Pick<Job, "state" | "result"> | undefined = () => undefined;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async start(order: JobOrder): Promise<Job> {
    if (this.refusal !== undefined) throw new DamselflyError("failed_precondition", this.refusal);
    const rest = { taskId: "", state: "PENDING" as const, result: {}, seedPeerClusterIds: [] };
    const job = await this.#store.jobs.create({ ...order, ...rest, ...this.endOf(order) });
    this.orders.push({ ...order, id: job.id });
    return job;
  }

  /** Ends a job: with this error, or well, and what failed on which host. */
  async end(id: number, error = "", failure_tasks: JsonObject[] = []): Promise<void> {
    await this.#store.jobs.update(id, ended(error, failure_tasks));
  }
}

/** How a job ended. */
export function ended(error = "", failure_tasks: JsonObject[] = []): Pick<Job, "state" | "result"> {
  const results = [{ success_tasks: [], failure_tasks, failure_count: failure_tasks.length }];
  const state = error === "" ? "SUCCESS" : "FAILURE";
  return { state, result: { job_states: [{ error, results }] } };
}

/** What managers of one store share in these tests. */
export async function warmStage() {
  await using stack = new AsyncDisposableStack();
  const clock = new VirtualClock({ epochMs: MIDNIGHT });
  const store = stack.use(await memoryStore(clock));
  const jobs = new StageJobs(store);
  const log = new MemoryLog();
  const metrics = new MemoryMetrics();
  const random = seededRandom(1);
  /** Opens what is not sealed. */
  const args = {
    open: ({ sealedArgs }: { readonly sealedArgs: string }) => JSON.parse(sealedArgs) as JsonObject,
  };
  const declare = async (input: Partial<WarmImageInput> & { readonly name: string }): Promise<WarmImage> => {
    const declaration = warmImageInput({ sealedArgs: JSON.stringify(input.args), ...input });
    const progress = firstProgress(declaration, { nowMs: clock.wallMs(), random, newestMs: 0 });
    return await store.warmImages.create({ ...declaration, ...progress, ...input });
  };
  const owned = stack.move();
  return {
    parts: { store, jobs, clock, log, metrics, random, args },
    ...{ clock, store, jobs, log, metrics, declare },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
