import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";
import type { Random } from "../../runtime/random.ts";
import type { JobRunner } from "../rest/job_runner.ts";
import type { JobStore } from "../store/jobs.ts";
import type { WarmHostStore } from "../store/warm_hosts.ts";
import type { WarmImage } from "../store/warm_images.ts";
import { backoffMs } from "./backoff.ts";
import { type Batch, errorIn, holdHosts, HOSTS_CLAIM_MS, settleHosts } from "./host_plan.ts";
import { hostKey, type JobOutcome, jobOutcomeOf, shownError } from "./job_outcome.ts";
import type { WarmArgs } from "./warm_args.ts";

/** How often a job that runs is looked at. */
const WATCH_MS = 2_000;
/** How often its hosts are kept for longer. */
const HOLD_INTERVAL_MS = HOSTS_CLAIM_MS / 2;
/** Warm images that failed in a cluster; full, all are forgotten, and each of them is tried once more. */
const FAILING_MAX = 10_000;
/** No job runs for longer (`timeout` of a preheat is less, or refused by schedulers). */
const JOB_MAX_MS = 25 * 60 * 60_000;

/** What {@link BatchRunner} works with. */
export interface BatchRunnerOptions {
  readonly hosts: WarmHostStore;
  readonly store: { readonly jobs: Pick<JobStore, "get"> };
  readonly jobs: Pick<JobRunner, "start">;
  readonly args: Pick<WarmArgs, "open">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Hosts of a cluster, and what they are brought to. */
export interface BatchOrder {
  readonly clusterId: number;
  readonly batch: Batch;
  readonly images: readonly WarmImage[];
  /** When the last of the images was declared. */
  readonly declaredAtMs: number;
}

/** A warm image that can be brought to nobody is not tried with each batch. */
interface Failing {
  readonly failures: number;
  readonly untilMs: number;
  readonly outcome: JobOutcome;
}

/** Brings hosts to the warm images that they lack, one preheat after another, and notes who was brought to all of them. */
export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  /** By cluster, and image as it was declared. */
  readonly #failing = new Map<string, Failing>();
  readonly #counter: Counter;

  constructor(options: BatchRunnerOptions) {
    this.#options = options;
    const help = "Hosts that joined and were brought to the warm images, or were not.";
    this.#counter = options.metrics.counter("damselfly_manager_warm_hosts_total", help, ["result"]);
  }

  /** Resolves when it is noted what became of the hosts. Fails with the errors of the store. */
  async run({ clusterId, batch, images, declaredAtMs }: BatchOrder, signal: AbortSignal): Promise<void> {
    const { hosts, clock, random, log } = this.#options;
    let held = Promise.resolve();
    await using _held = { [Symbol.asyncDispose]: () => held };
    using _timer = clock.every(HOLD_INTERVAL_MS, () => held = held.then(() => this.#hold(clusterId, batch)));
    const outcomes: JobOutcome[] = [];
    for (const image of images.filter((image) => image.declaredAtMs > batch.warmedAtMs)) {
      outcomes.push(await this.#bring(clusterId, batch, image, signal));
      if (!signal.aborted) continue;
      // Another manager goes on; of what was fetched until now nothing is fetched again.
      return void await hosts.change(clusterId, (known) => holdHosts(known, batch, 0));
    }
    const errorOf = errorIn(outcomes);
    await hosts.change(clusterId, (known) => {
      return settleHosts(known, batch, errorOf, { declaredAtMs, nowMs: clock.wallMs(), random });
    });
    const failed = batch.hosts.filter((host) => errorOf(host) !== undefined).length;
    this.#counter.inc({ result: "warm" }, batch.hosts.length - failed);
    this.#counter.inc({ result: "failed" }, failed);
    log.info("Hosts that joined were brought to the warm images", { clusterId, hosts: batch.hosts.length, failed });
  }

  async #bring(clusterId: number, batch: Batch, image: WarmImage, signal: AbortSignal): Promise<JobOutcome> {
    const { clock, random, log } = this.#options;
    const key = `${clusterId} ${image.id} ${image.declaredAtMs}`;
    const before = this.#failing.get(key);
    if (before !== undefined && before.untilMs > clock.now()) return before.outcome;
    const outcome = await this.#preheat(clusterId, batch, image, signal).catch((error): JobOutcome => {
      const failed = { state: "FAILURE" as const, error: shownError(error), isUnwanted: false };
      return { ...failed, failedHosts: new Map(), areAllListed: false };
    });
    if (outcome.state === "SUCCESS") this.#failing.delete(key);
    else if (!signal.aborted && isImageAtFault(outcome, batch)) {
      const failures = (before?.failures ?? 0) + 1;
      if (this.#failing.size >= FAILING_MAX) this.#failing.clear();
      this.#failing.set(key, { failures, untilMs: clock.now() + backoffMs(failures, random), outcome });
      const { id, name } = image;
      log.warn("Hosts that joined could not be brought to a warm image", { id, name, clusterId, error: outcome.error });
    }
    return outcome;
  }

  async #preheat(clusterId: number, batch: Batch, image: WarmImage, caller: AbortSignal): Promise<JobOutcome> {
    const { jobs, args, store, clock } = this.#options;
    const { count: _count, percentage: _percentage, ...whole } = args.open(image);
    const ips = [...new Set(batch.hosts.map(({ ip }) => ip))];
    const order = {
      ...{ type: "preheat", bio: `Warm image ${image.name}, hosts that joined`, userId: image.userId },
      ...{ args: { ...whole, scope: "all_peers", ips }, schedulerClusterIds: [clusterId] },
    };
    const job = await jobs.start(order, caller);
    if ("answer" in job) throw new Error("a preheat is a job");
    using limit = clock.deadline(JOB_MAX_MS);
    const signal = AbortSignal.any([caller, limit.signal]);
    for (;;) {
      await clock.sleep(WATCH_MS, signal);
      const outcome = await store.jobs.get(job.id).then(jobOutcomeOf, (error) => {
        // The job goes on meanwhile, wherever it runs.
        if (error instanceof DamselflyError && error.code === "unavailable") return undefined;
        throw error;
      });
      if (outcome !== undefined && outcome.state !== "PENDING") return outcome;
    }
  }

  async #hold(clusterId: number, batch: Batch): Promise<void> {
    const { hosts, clock, log } = this.#options;
    const untilMs = clock.wallMs() + HOSTS_CLAIM_MS;
    try {
      await hosts.change(clusterId, (known) => holdHosts(known, batch, untilMs));
    } catch (error) {
      log.error("Hosts that are brought to warm images may be so by another manager too", { clusterId, error });
    }
  }
}

/** Whether others would fare no better: no host is named, or all of several. */
function isImageAtFault({ failedHosts }: JobOutcome, { hosts }: Batch): boolean {
  return failedHosts.size === 0 || (hosts.length > 1 && hosts.every((host) => failedHosts.has(hostKey(host))));
}
