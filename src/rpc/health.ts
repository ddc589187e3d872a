/** The service grpc.health.v1.Health, which every server of the project answers. */
import { DamselflyError } from "../core/error.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthService,
} from "./gen/grpc/health/v1/health.ts";
import { type RpcService, service } from "./service.ts";

/** The status of a server and of its services by name; the empty name is the server as a whole. */
export class Health {
  readonly #statuses = new Map<string, ServingStatus>([["", ServingStatus.SERVING]]);
  #closed = false;
  #changed = Promise.withResolvers<void>();

  /** Says whether a service is ready for calls. */
  setServing(name: string, serving: boolean): void {
    this.#statuses.set(name, serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
    this.#wake();
  }

  /** Everything stops serving; those who watch are told so and released. */
  close(): void {
    this.#closed = true;
    for (const name of this.#statuses.keys()) this.#statuses.set(name, ServingStatus.NOT_SERVING);
    this.#wake();
  }

  /** The service to add to a server. */
  service(): RpcService {
    return service(HealthService, {
      check: ({ service: name }) => {
        const status = this.#statuses.get(name);
        if (status !== undefined) return Promise.resolve({ status });
        return Promise.reject(new DamselflyError("not_found", `Cannot check service ${name}: this server has no such`));
      },
      watch: ({ service: name }, { signal }) => this.#watch(name, signal),
    });
  }

  async *#watch(name: string, signal: AbortSignal): AsyncGenerator<HealthCheckResponse, void, undefined> {
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => aborted.resolve(), { once: true });
    let last: ServingStatus | undefined;
    while (!signal.aborted) {
      const changed = this.#changed.promise;
      const status = this.#statuses.get(name) ?? ServingStatus.SERVICE_UNKNOWN;
      if (status !== last) yield { status };
      last = status;
      if (this.#closed) return;
      await Promise.race([changed, aborted.promise]);
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
