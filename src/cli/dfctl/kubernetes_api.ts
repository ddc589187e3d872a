import { DamselflyError, errorText } from "../../core/error.ts";
import type { DfctlEffects } from "./context.ts";

/** Where a pod finds who it is for the API server, as Kubernetes mounts it. */
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** How long the API server may take for one answer. */
const ANSWER_TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** The API server of the cluster that this pod runs in, asked as the pod's service account. */
export class KubernetesApi implements Disposable {
  readonly #runtime: DfctlEffects["runtime"];
  readonly #server: string;
  readonly #client: Deno.HttpClient;

  private constructor(runtime: DfctlEffects["runtime"], server: string, client: Deno.HttpClient) {
    this.#runtime = runtime;
    this.#server = server;
    this.#client = client;
  }

  /** Throws `not_found` outside of a pod that has a service account. */
  static async open(runtime: DfctlEffects["runtime"], server: string): Promise<KubernetesApi> {
    const authority = await runtime.disk.readText(`${ACCOUNT}/ca.crt`);
    return new KubernetesApi(runtime, server, Deno.createHttpClient({ caCerts: [authority] }));
  }

  /** The object at a path such as `/api/v1/nodes/n1`. Throws `unavailable`, `timeout`, or `failed_precondition`. */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    // Tokens are renewed while the pod runs.
    const token = (await this.#runtime.disk.readText(`${ACCOUNT}/token`)).trim();
    using limit = this.#runtime.clock.deadline(ANSWER_TIMEOUT_MS);
    try {
      const response = await this.#runtime.fetch(new URL(path, this.#server), {
        headers: { accept: "application/json", authorization: `Bearer ${token}` },
        redirect: "error",
        signal: AbortSignal.any([signal, limit.signal]),
        client: this.#client,
      });
      const text = await textOf(response);
      if (response.ok) return JSON.parse(text);
      throw new DamselflyError(
        "failed_precondition",
        `The API server answers ${response.status} to GET ${path}: may this pod's service account read that?`,
      );
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof DamselflyError) throw cause;
      const why = limit.signal.aborted ? `it gave no answer within ${ANSWER_TIMEOUT_MS / 1000} s` : errorText(cause);
      throw new DamselflyError("unavailable", `Cannot ask the API server at ${this.#server}: ${why}`, { cause });
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

async function textOf(response: Response): Promise<string> {
  const text: string[] = [];
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new DamselflyError("resource_exhausted", `The API server's answer is over ${ANSWER_BYTES_MAX} bytes`);
    }
    text.push(decoder.decode(chunk, { stream: true }));
  }
  return text.join("") + decoder.decode();
}
