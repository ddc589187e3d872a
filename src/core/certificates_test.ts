import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../testing/certificates.ts";
import { certificatesOf, derOfPem, pemOfDer } from "./certificates.ts";

const [FIRST, SECOND] = (["a", "b"] as const).map((name) => readFileSync(testCertificates(name).caCert, "utf8").trim());
assert.ok(FIRST && SECOND);

Deno.test("of a text with authorities the good ones count, and one that is damaged spoils none of them", () => {
  const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  assert.deepEqual(certificatesOf(`# some\n${damaged}\n${FIRST}\n${SECOND}`), [FIRST, SECOND]);
  assert.deepEqual(certificatesOf("nothing"), []);
});

Deno.test("a certificate is the same one in DER and in PEM, and what is none is refused", () => {
  for (const pem of [FIRST, SECOND]) assert.equal(pemOfDer(derOfPem(pem)).trim(), pem);
  assert.notDeepEqual(derOfPem(FIRST), derOfPem(SECOND));
  for (const bytes of [new Uint8Array(), new Uint8Array(100)]) {
    assert.throws(() => pemOfDer(bytes), { code: "invalid_argument", message: /Cannot read a certificate/ });
  }
});
