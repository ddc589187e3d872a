/** Harbor, as far as its Dragonfly provider goes: its requests word by word, and what it reads of the answers (manager-rest.md §5). */
import assert from "node:assert/strict";
import { waitFor } from "../e2e/lib/wait.ts";

const PREHEAT_TIMEOUT_MS = 30_000;

/** How Harbor's administrator has set up the instance. */
export interface HarborInstance {
  readonly endpoint: string;
  readonly auth:
    | { readonly mode: "NONE" }
    | { readonly mode: "BASIC"; readonly username: string; readonly password: string }
    | { readonly mode: "OAUTH"; readonly token: string }
    | { readonly mode: "CUSTOM"; readonly header: string; readonly value: string };
  /** Authority of the endpoint's certificate, in PEM. */
  readonly authority?: string;
}

/** What a policy of Harbor preheats. */
export interface HarborPreheat {
  /** URL of the manifest, by tag. */
  readonly url: string;
  /** Harbor's own token for its registry, as it makes one for each execution. */
  readonly authorization: string;
  /** Extra attributes of the policy. */
  readonly scope?: string;
  readonly clusterIds?: readonly number[];
}

/** A line of the table that Harbor shows of an execution. */
export interface HarborLine {
  readonly url: string;
  readonly hostname: string;
  readonly ip: string;
  readonly clusterId: number;
  readonly state: "SUCCESS" | "FAILED";
  readonly error: string;
}

/** What Harbor's administrator sees in the end. */
export interface HarborExecution {
  readonly status: "SUCCESS" | "FAIL";
  readonly lines: HarborLine[];
  /** What is wrong, if it failed. */
  readonly error: string;
}

/** A refusal, as Harbor's log and page show it. */
export class HarborError extends Error {
  constructor(readonly status: number, body: string) {
    super(body);
  }
}

/** The provider of Harbor 2.12 and later. */
export class Harbor implements Disposable {
  readonly #instance: HarborInstance;
  readonly #client: Deno.HttpClient;

  constructor(instance: HarborInstance) {
    const { authority } = instance;
    this.#instance = instance;
    this.#client = Deno.createHttpClient(authority === undefined ? {} : { caCerts: [authority] });
  }

  /** Whether the instance is healthy: all that counts is the status. */
  async health(): Promise<boolean> {
    const response = await this.#request("GET", "/healthy");
    await response.body?.cancel();
    return response.ok;
  }

  /** Orders a preheat; its id. */
  async start({ url, authorization, scope = "", clusterIds }: HarborPreheat): Promise<number> {
    const { id, created_at, updated_at } = await this.json("POST", "/oapi/v1/jobs", {
      type: "preheat",
      args: {
        ...{ type: "image", url, tag: "", filtered_query_params: "" },
        ...{ headers: { Authorization: authorization }, scope, concurrent_count: 0, timeout: 0 },
      },
      scheduler_cluster_ids: clusterIds ?? null,
    });
    assert.ok(Number.isInteger(id), "an id that is no integer fails to decode");
    for (const time of [created_at, updated_at]) assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/);
    return id;
  }

  /** Asks until the preheat is over, as Harbor does, though more often. */
  async end(id: number): Promise<HarborExecution> {
    const job = await waitFor("the preheat to end", PREHEAT_TIMEOUT_MS, async () => {
      const shown = await this.json("GET", `/oapi/v1/jobs/${id}`);
      return shown.state === "PENDING" ? undefined : shown;
    });
    if (job.state === "FAILURE") {
      const errors = job.result.job_states.map(({ error }: { error: string }) => error).filter(Boolean);
      return { status: "FAIL", lines: linesOf(job), error: errors.join("; ") };
    }
    assert.equal(job.state, "SUCCESS", "Harbor takes any other state for a failure");
    return { status: "SUCCESS", lines: linesOf(job), error: "" };
  }

  async preheat(order: HarborPreheat): Promise<HarborExecution> {
    return await this.end(await this.start(order));
  }

  /** The JSON of an answer; any status but 2xx throws {@link HarborError} with the body. */
  // deno-lint-ignore no-explicit-any -- what is missing fails where it is read
  async json(method: string, path: string, body?: unknown): Promise<any> {
    const response = await this.#request(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new HarborError(response.status, text);
    return JSON.parse(text);
  }

  #request(method: string, path: string, body?: unknown): Promise<Response> {
    const { endpoint, auth } = this.#instance;
    const headers = new Headers({ accept: "application/json" });
    if (auth.mode === "BASIC") headers.set("authorization", `Basic ${btoa(`${auth.username}:${auth.password}`)}`);
    if (auth.mode === "OAUTH") headers.set("authorization", `Bearer ${auth.token}`);
    if (auth.mode === "CUSTOM") headers.set(auth.header, auth.value);
    if (body !== undefined) headers.set("content-type", "application/json");
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return fetch(`${endpoint}${path}`, { method, headers, ...sent, client: this.#client });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

interface Entry {
  readonly url: string;
  readonly hostname: string;
  readonly ip: string;
  readonly description?: string;
}

interface JobShown {
  readonly result: {
    readonly job_states: readonly {
      readonly results: readonly {
        readonly success_tasks: readonly Entry[];
        readonly failure_tasks: readonly Entry[];
        readonly scheduler_cluster_id: number;
      }[];
    }[];
  };
}

function linesOf({ result }: JobShown): HarborLine[] {
  return result.job_states.flatMap(({ results }) =>
    results.flatMap(({ success_tasks, failure_tasks, scheduler_cluster_id: clusterId }) => [
      ...success_tasks.map(({ url, hostname, ip }) => {
        return { url, hostname, ip, clusterId, state: "SUCCESS" as const, error: "" };
      }),
      ...failure_tasks.map(({ url, hostname, ip, description = "" }) => {
        return { url, hostname, ip, clusterId, state: "FAILED" as const, error: description };
      }),
    ])
  );
}
