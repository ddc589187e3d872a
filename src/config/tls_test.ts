import { deepEqual, equal, throws } from "node:assert/strict";
import type * as z from "zod";
import { DfdaemonConfig } from "./dfdaemon.ts";
import { parseConfig } from "./load.ts";
import { ManagerConfig } from "./manager.ts";
import { SchedulerConfig } from "./scheduler.ts";
import { tlsPathsOf } from "./tls.ts";

/** The tables of mutual TLS by schema. */
const TABLES: [z.ZodObject, string][] = [
  [ManagerConfig, "server: { grpc: { tls: { $ } } }"],
  [SchedulerConfig, "server: { tls: { $ } }"],
  [SchedulerConfig, "manager: { tls: { $ } }"],
  [SchedulerConfig, "seedPeer: { tls: { $ } }"],
  [DfdaemonConfig, "upload: { server: { $ } }"],
  [DfdaemonConfig, "upload: { client: { $ } }"],
  [DfdaemonConfig, "manager: { $ }"],
  [DfdaemonConfig, "scheduler: { $ }"],
];

Deno.test("mutual TLS needs all three files: a connection is never plain because one of them was forgotten", () => {
  for (const [schema, yaml] of TABLES) {
    const parse = (keys: string) => parseConfig(schema, yaml.replace("$", keys), "x.yaml");
    deepEqual(parse("caCert: /ca, cert: /cert, key: /key").warnings, []);
    for (const some of ["caCert: /ca", "cert: /cert, key: /key", "caCert: /ca, cert: /cert"]) {
      throws(() => parse(some), /write all of caCert, cert and key, or none/, `${yaml} ${some}`);
    }
  }
});

Deno.test("a manager's address that asks for TLS needs the files for it", () => {
  const addr = "addr: https://manager:65003";
  const files = "caCert: /ca, cert: /cert, key: /key";
  throws(() => parseConfig(DfdaemonConfig, `manager: { ${addr} }`, "x.yaml"), /caCert, cert and key are needed/);
  throws(() => parseConfig(SchedulerConfig, `manager: { ${addr} }`, "x.yaml"), /caCert, cert and key are needed/);
  const { config } = parseConfig(DfdaemonConfig, `manager: { ${addr}, ${files} }`, "x.yaml");
  deepEqual(tlsPathsOf(config.manager), { caCert: "/ca", cert: "/cert", key: "/key" });
  equal(tlsPathsOf(config.scheduler), undefined);
  deepEqual(parseConfig(SchedulerConfig, `manager: { ${addr}, tls: { ${files} } }`, "x.yaml").warnings, []);
});

Deno.test("TLS of the REST API needs certificate and key", () => {
  const parse = (keys: string) => parseConfig(ManagerConfig, `server: { rest: { tls: { ${keys} } } }`, "x.yaml");
  throws(() => parse("cert: /cert"), /TLS needs both cert and key/);
  deepEqual(parse("cert: /cert, key: /key").warnings, []);
});
