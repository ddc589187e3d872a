import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../testing/certificates.ts";
import { HttpClients } from "./http_clients.ts";

const AUTHORITY = readFileSync(testCertificates("a").caCert, "utf8");
/** So many different sets of authorities. */
const sets = (count: number) => Array.from({ length: count }, (_, n) => Array<string>(n + 1).fill(AUTHORITY));

Deno.test("the same options have the same client, until it is the one that was not used for longest", () => {
  using clients = new HttpClients(8);
  const [first = [], second = [], ...others] = sets(9);
  const [one, two] = [clients.get({ caCerts: first }), clients.get({ caCerts: second })];
  for (const authorities of others.slice(0, -1)) clients.get({ caCerts: authorities });
  assert.equal(clients.get({ caCerts: first }), one);
  clients.get({ caCerts: others.at(-1) ?? [] });
  assert.equal(clients.get({ caCerts: first }), one);
  assert.notEqual(clients.get({ caCerts: second }), two);
});
