import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../testing/certificates.ts";
import { TrustingClients } from "./trusting_clients.ts";

const AUTHORITY = readFileSync(testCertificates("a").caCert, "utf8");
/** So many different sets of authorities. */
const sets = (count: number) => Array.from({ length: count }, (_, n) => Array<string>(n + 1).fill(AUTHORITY));

Deno.test("the same authorities have the same client, until it is the one that was not used for longest", () => {
  using clients = new TrustingClients();
  const [first = [], second = [], ...others] = sets(9);
  const [one, two] = [clients.get(first), clients.get(second)];
  for (const authorities of others.slice(0, -1)) clients.get(authorities);
  assert.equal(clients.get(first), one);
  clients.get(others.at(-1) ?? []);
  assert.equal(clients.get(first), one);
  assert.notEqual(clients.get(second), two);
});
