import { deepEqual, equal, throws } from "node:assert/strict";
import { parseConfig } from "./load.ts";
import { ManagerConfig } from "./manager.ts";
import { redisPlaceOf, redisServersOf } from "./redis.ts";

function parse(yaml: string) {
  const { config, warnings } = parseConfig(ManagerConfig, `database:\n  redis: ${yaml}\n`, "c.yaml");
  const servers = redisServersOf(config.database.redis);
  return { redis: config.database.redis, warnings, servers, place: servers && redisPlaceOf(servers) };
}

Deno.test("one address is a server, several are a cluster, and with masterName they are sentinels", () => {
  const kindOf = (yaml: string) => parse(yaml).servers?.kind;
  equal(kindOf("{ addrs: [a:1] }"), "single");
  equal(kindOf("{ addrs: [a:1, b:2] }"), "cluster");
  equal(kindOf("{ addrs: [a:1, b:2], masterName: m }"), "sentinel");
  equal(kindOf("{ addrs: [a:1], masterName: m }"), "sentinel");
  equal(kindOf("{ db: 3 }"), undefined);
  equal(kindOf("{ addrs: [] }"), undefined);
});

Deno.test("the place of Redis has all addresses and no password", () => {
  equal(parse("{ addrs: ['[::1]:1', b:2], password: sesame }").place, "[::1]:1,b:2");
  equal(parse("{ addrs: [a:1, b:2], masterName: m, sentinelPassword: sesame }").place, "m by a:1,b:2");
});

Deno.test("the form before addrs is still read, and addrs win", () => {
  equal(parse("{ host: a }").place, "a:6379");
  equal(parse("{ host: a, port: 7 }").place, "a:7");
  equal(parse("{ host: a, addrs: [b:1] }").place, "b:1");
});

Deno.test("what cannot be obeyed is refused by name, or warned about", () => {
  const refusal = (yaml: string, message: RegExp) => throws(() => parse(yaml), { message });
  refusal("{ addrs: [a:1], proxy: { enable: true } }", /proxy.*does not forward connections to Redis.*addrs/);
  refusal("{ password: sesame }", /needs addrs/);
  refusal("{ masterName: m }", /needs addrs/);
  refusal("{ addrs: [a] }", /expected host:port/);
  refusal("{ addrs: [a:1], tls: { cert: c.pem } }", /both cert and key/);
  deepEqual(parse("{ addrs: [a:1], proxy: { enable: false } }").warnings, []);
  equal(parse("{ addrs: [a:1], poolSize: 40, poolTimeout: 10s }").warnings.length, 2);
});

Deno.test("TLS is spoken when its table is there, even an empty one", () => {
  equal(parse("{ addrs: [a:1] }").redis.tls, undefined);
  deepEqual(parse("{ addrs: [a:1], tls: {} }").redis.tls, { insecureSkipVerify: false });
});
