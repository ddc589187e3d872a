import { type Digest, parseDigest } from "../core/digest.ts";
import { DamselflyError } from "../core/error.ts";

/** A parsed image name. */
export interface ImageReference {
  /** The registry as people write it: `docker.io`, `ghcr.io`, `127.0.0.1:5000`. */
  readonly namespace: string;
  readonly repository: string;
  readonly tag: string;
  /** Set when the name pins a digest; it wins over the tag. */
  readonly digest: Digest | undefined;
}

const DEFAULT_NAMESPACE = "docker.io";

/**
 * Parses an image name as container runtimes do: `alpine` is `docker.io/library/alpine:latest`. The first part is a
 * registry when it has a dot or a colon, or is `localhost`. Throws `invalid_argument`.
 */
export function parseImageReference(text: string): ImageReference {
  const [name = "", digest, ...afterDigest] = text.split("@");
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(0, slash));
  const hasRegistry = first === "localhost" || /[.:]/.test(first);
  const namespace = hasRegistry ? first : DEFAULT_NAMESPACE;
  const path = hasRegistry ? name.slice(slash + 1) : name;
  const [repository = "", tag = "latest", ...afterTag] = path.split(":");
  const full = namespace === DEFAULT_NAMESPACE && !repository.includes("/") ? `library/${repository}` : repository;
  const hasMore = afterTag.length > 0 || afterDigest.length > 0;
  if (hasMore || !/^[a-z0-9]+([._/-]+[a-z0-9]+)*$/.test(full) || !/^\w[\w.-]{0,127}$/.test(tag)) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot parse image name "${text}": expected [registry/]repository[:tag][@digest] in lower case`,
    );
  }
  return { namespace, repository: full, tag, digest: digest === undefined ? undefined : parseDigest(digest) };
}
