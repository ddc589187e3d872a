import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { headOf } from "./bare_answer.ts";

/** A server that has taken up the other protocol that was asked for. */
export interface Upgraded {
  /** Of its answer, as they go on to the requester. */
  readonly headers: Headers;
  /** Speaks that protocol from now on. */
  readonly stream: Duplex;
  /** What it has said already. */
  readonly early: Uint8Array;
}

/** Passes the answer on, and then bytes both ways until both sides have ended or one is broken. Closes both. */
export async function splice(client: Duplex, early: Uint8Array, server: Upgraded): Promise<void> {
  client.write(headOf(101, server.headers));
  if (server.early.length > 0) client.write(server.early);
  if (early.length > 0) server.stream.write(early);
  try {
    await Promise.all([pipeline(client, server.stream), pipeline(server.stream, client)]);
  } catch {
    // either side broke off, and both are closed
  } finally {
    server.stream.destroy();
    client.destroy();
  }
}
