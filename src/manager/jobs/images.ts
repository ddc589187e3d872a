import { findImageBlobs, type ImageBlobs, type ImageRequest } from "../../oci/image_blobs.ts";
import { findImageDigest } from "../../oci/image_digest.ts";
import type { PullEffects } from "../../oci/image_pull_client.ts";
import { parsePlatform } from "../../oci/platform.ts";
import type { RegistryAccess } from "../../oci/registry_access.ts";
import type { TlsTrust } from "../../http/node_fetch.ts";
import type { Clock } from "../../runtime/clock.ts";

/** An image as jobs name it (manager-rest.md §4.2). */
export interface ImageArgs {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** `os/architecture[/variant]`; left out, all. */
  readonly platform?: string | undefined;
}

/** Reads images at their registries, where the manager itself needs to know something of an image. */
export class Images {
  readonly #registries: Pick<RegistryAccess, "fetch">;
  readonly #trust: () => Promise<TlsTrust>;
  readonly #clock: Clock;

  constructor(registries: Pick<RegistryAccess, "fetch">, trust: () => Promise<TlsTrust>, clock: Clock) {
    this.#registries = registries;
    this.#trust = trust;
    this.#clock = clock;
  }

  /** The blobs of an image. Throws `invalid_argument` for a platform that is none, and what `findImageBlobs` throws. */
  async blobs({ platform, ...image }: ImageArgs, signal: AbortSignal): Promise<ImageBlobs> {
    const request = { ...requestOf(image), platform: platform === undefined ? undefined : parsePlatform(platform) };
    return await findImageBlobs(request, await this.#effects(), signal);
  }

  /** The digest that an image has now. Throws what `findImageDigest` throws. */
  async digest(image: ImageArgs, signal: AbortSignal): Promise<string> {
    return await findImageDigest(requestOf(image), await this.#effects(), signal);
  }

  /** The way to registries for one question. Throws as `readPreheatTrust` does. */
  async #effects(): Promise<PullEffects> {
    return { fetch: this.#registries.fetch(await this.#trust()), clock: this.#clock };
  }
}

function requestOf({ url, headers = {}, username = "", password = "" }: ImageArgs): ImageRequest {
  const hasAccount = username !== "" || password !== "";
  return { url, headers, credentials: hasAccount ? { username, password } : undefined };
}
