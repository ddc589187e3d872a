/** How a runtime pulls the images of one registry, as its files say now. */
export interface Route {
  readonly registry: string;
  /** The file that says so. */
  readonly path: string;
  /** URLs that are asked before the registry itself, in their order; empty when it is asked at once. */
  readonly hosts: readonly string[];
  /**
   * Those of `hosts` that lack what the file says of TLS with the registry: the runtime asks the registry's token server
   * as it asks them.
   */
  readonly lackingTls?: readonly string[];
}
