/** How a runtime pulls the images of one registry, as its files say now. */
export interface Route {
  readonly registry: string;
  /** The file that says so. */
  readonly path: string;
  /** URLs that are asked before the registry itself, in their order; empty when it is asked at once. */
  readonly hosts: readonly string[];
}
