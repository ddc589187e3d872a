import type { SharedScripts } from "./shared_scripts.ts";
import { jobIntervalMs, type JobRateLimit, type JobRateLimiter, type RatedCluster } from "./job_rate_limit.ts";

/** All keys, so that one script may touch several of them in a cluster too. */
const TAG = "{damselfly:job_rate}";

/**
 * Keys: by cluster, when the last of its jobs would be due, if they came one after another (GCRA), in milliseconds.
 * Arguments: the time that a job takes up, by cluster. Returns whether they counted. The time is that of Redis, for all
 * managers; it has fractions, and so there is a tenth of a millisecond for what they lose.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local due = {}
for i, key in ipairs(KEYS) do
  due[i] = math.max(tonumber(redis.call('GET', key) or '0'), now) + tonumber(ARGV[i])
  if due[i] > now + 1000.1 then return 0 end
end
for i, key in ipairs(KEYS) do redis.call('SET', key, string.format('%.3f', due[i]), 'PX', 2000) end
return 1`;

/** The limit of {@link JobRateLimit}, counted for all managers in Redis, and by this one alone while Redis is away. */
export class SharedJobRateLimit implements JobRateLimiter {
  readonly #scripts: SharedScripts;
  readonly #own: JobRateLimit;

  constructor(scripts: SharedScripts, own: JobRateLimit) {
    this.#scripts = scripts;
    this.#own = own;
  }

  async take(clusters: readonly RatedCluster[]): Promise<boolean> {
    if (clusters.length === 0) return true;
    const keys = clusters.map(({ id }) => `${TAG}:${id}`);
    const reply = await this.#scripts.run(TAKE, keys, clusters.map((cluster) => String(jobIntervalMs(cluster))));
    return typeof reply === "number" ? reply === 1 : this.#own.take(clusters);
  }
}
