/**
 * What the libraries under the manager cost by themselves: an answer of so many bytes by gRPC, or by HTTP, from a
 * process that does nothing else. The manager's numbers are given as ratios to these, for machines differ.
 */
import "../../../src/rpc/http2_guard.ts";
import { Buffer } from "node:buffer";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Hono } from "hono";
import { ManagerService } from "../../../src/rpc/gen/manager/v2/manager.ts";
import { MEASURED_CORE } from "../cores.ts";
import { type Part, serveAsPart, spawnPart } from "../part.ts";

const IP = "127.0.0.1";
type Kind = "grpc" | "rest";

/** Starts a server of the kind that answers everything with `bytes` bytes. */
export function startBare(kind: Kind, bytes: number): Promise<Part> {
  return spawnPart(import.meta.filename ?? "", `bare-${kind}`, [kind, String(bytes)], MEASURED_CORE);
}

function serveGrpc(answer: Buffer): Promise<number> {
  const server = new Server();
  const method = { ...ManagerService.listSchedulers, responseSerialize: (bytes: Buffer) => bytes };
  server.addService({ listSchedulers: method }, {
    listSchedulers: (_: unknown, respond: (error: null, answer: Buffer) => void) => respond(null, answer),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync(`${IP}:0`, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

function serveRest(answer: Buffer): number {
  const app = new Hono();
  const text = answer.toString("latin1");
  app.get("*", (c) => c.text(text));
  return Deno.serve({ hostname: IP, port: 0, onListen() {} }, app.fetch).addr.port;
}

if (import.meta.main) {
  const [kind, bytes] = Deno.args;
  const answer = Buffer.alloc(Number(bytes), "x");
  await serveAsPart({ port: kind === "grpc" ? await serveGrpc(answer) : serveRest(answer) });
}
