/**
 * The headers of Dragonfly that are acted on, and the only place where they are named: what is not listed here has no
 * effect and does not leave this host (node-side.md §3.8). The page on compatibility is made from it.
 */

/** Headers by which whoever asks the mirror says what he wants. */
export const REQUEST_HEADERS = {
  registry: "x-dragonfly-registry",
  useP2p: "x-dragonfly-use-p2p",
  priority: "x-dragonfly-priority",
  tag: "x-dragonfly-tag",
  application: "x-dragonfly-application",
  pieceLength: "x-dragonfly-piece-length",
  filteredQueryParams: "x-dragonfly-filtered-query-params",
  filter: "x-dragonfly-filter",
  contentForTaskId: "x-dragonfly-content-for-calculating-task-id",
  blobIdByDigest: "x-dragonfly-enable-task-id-based-blob-digest",
  outputPath: "x-dragonfly-output-path",
  forceHardLink: "x-dragonfly-force-hard-link",
  prefetch: "x-dragonfly-prefetch",
} as const;

/** Headers by which the mirror says what it did. */
export const RESPONSE_HEADERS = {
  taskId: "x-dragonfly-task-id",
  downloadFinished: "x-dragonfly-task-download-finished",
  serverIp: "x-dragonfly-server-ip",
  errorType: "x-dragonfly-error-type",
} as const;

/** What the names of all of them begin with. */
export const HEADER_PREFIX = "x-dragonfly-";
