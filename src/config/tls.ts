import type * as z from "zod";
import type { GrpcAddress } from "./addresses.ts";
import { path, section } from "./fields.ts";

/** `caCert`, `cert` and `key` as they stand in a table; {@link tlsPathsOf} reads them. */
interface MutualTls {
  readonly caCert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The keys of mutual TLS, for tables that have others too; use {@link needsWholeTls} on those. */
export function mutualTlsKeys(whose: string) {
  return {
    caCert: path().optional().describe(
      `PEM file of the authority for ${whose}: the other side's certificate must come from it.`,
    ),
    cert: path().optional().describe(
      `PEM file of our certificate for ${whose}; it is read again when it changes.`,
    ),
    key: path().optional().describe(`PEM file of the key of our certificate for ${whose}.`),
  };
}

/** Refuses a table with some of the keys of mutual TLS, and one whose `addr` asks for TLS without them. */
export function needsWholeTls<S extends z.ZodType<MutualTls & { readonly addr?: GrpcAddress | undefined }>>(
  table: S,
): S {
  return table.refine(
    ({ caCert, cert, key }) => new Set([caCert, cert, key].map((value) => value === undefined)).size === 1,
    "TLS between components is mutual: write all of caCert, cert and key, or none",
  ).refine(
    ({ addr, caCert }) => addr === undefined || !addr.tls || caCert !== undefined,
    "addr begins with https://, so caCert, cert and key are needed; write http:// to go without TLS",
  );
}

/** `tls.{caCert,cert,key}` of one gRPC server, or of connections to one. */
export function grpcTls(whose: string) {
  return needsWholeTls(section(mutualTlsKeys(whose), `Mutual TLS of ${whose}.`));
}

/** The files of a table; undefined without TLS. */
export function tlsPathsOf({ caCert, cert, key }: MutualTls) {
  return caCert === undefined || cert === undefined || key === undefined ? undefined : { caCert, cert, key };
}
