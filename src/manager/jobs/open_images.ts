import type { ManagerConfig } from "../../config/manager.ts";
import { isLoopback } from "../../http/destination.ts";
import type { TlsTrust } from "../../http/node_fetch.ts";
import { RegistryAccess } from "../../oci/registry_access.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { Images } from "./images.ts";
import { readPreheatTrust } from "./preheat_trust.ts";

/** What `job.preheat` of the configuration comes to. */
export interface OpenedImages {
  /** Whose certificates are good for registries now; throws as {@link readPreheatTrust} does. */
  readonly trust: () => Promise<TlsTrust>;
  readonly images: Images;
}

/** Prepares the way to registries, which `stack` owns. Fails with `invalid_argument` when `job.preheat.tls` cannot be used. */
export async function openImages(
  { job: { preheat }, server: { grpc } }: Pick<ManagerConfig, "job" | "server">,
  runtime: Pick<Runtime, "fetch" | "net" | "disk" | "clock" | "log">,
  stack: AsyncDisposableStack,
): Promise<OpenedImages> {
  const trust = () => readPreheatTrust(preheat.tls, runtime.disk);
  await trust();
  if (preheat.tls.insecureSkipVerify) {
    runtime.log.warn(
      "job.preheat.tls.insecureSkipVerify: certificates are not checked where images are read; peers check them by " +
        "their own settings all the same, and trust what job.preheat.tls.caCert names",
    );
  }
  const registries = stack.use(
    new RegistryAccess({
      ...{ runtime, allowed: preheat.allowedRegistries, key: "job.preheat.allowedRegistries" },
      isOnLoopback: isLoopback(grpc.listenIP),
    }),
  );
  return { trust, images: new Images(registries, trust, runtime.clock) };
}
