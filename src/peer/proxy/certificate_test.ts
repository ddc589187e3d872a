import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { type NewCertificate, signAuthority, signServerCertificate } from "./certificate.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 24 * 3_600_000;
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });

function fresh(first: number, publicKey = pair.publicKey): NewCertificate {
  const serial = new Uint8Array(16).fill(first);
  return { publicKey, serial, notBeforeMs: NOW, notAfterMs: NOW + DAY_MS };
}

function authority(kind: "ec" | "rsa") {
  const made = kind === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-384" })
    : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { cert: signAuthority("Test", fresh(1, made.publicKey), made.privateKey), key: made.privateKey };
}

Deno.test("the certificate of a host is good for that host alone, and comes from its authority, whatever its key is", () => {
  for (const kind of ["ec", "rsa"] as const) {
    const signer = authority(kind);
    const [own, other] = [new X509Certificate(signer.cert), new X509Certificate(authority(kind).cert)];
    assert.equal(own.ca, true);
    const made = new X509Certificate(signServerCertificate("reg.corp", fresh(2), signer));
    assert.ok(made.verify(own.publicKey) && made.checkIssued(own));
    assert.ok(!made.verify(other.publicKey));
    assert.equal(made.checkHost("reg.corp"), "reg.corp");
    assert.equal(made.checkHost("x.reg.corp"), undefined);
    assert.equal(made.subjectAltName, "DNS:reg.corp");
    assert.equal(made.ca, false);
    assert.deepEqual([Date.parse(made.validFrom), Date.parse(made.validTo)], [NOW, NOW + DAY_MS]);
    assert.ok(made.checkPrivateKey(pair.privateKey));
  }
});

Deno.test("the certificate of an address is for that address, and the longest name has one too", () => {
  const signer = authority("ec");
  for (const address of ["10.0.0.1", "fd00::1"]) {
    const made = new X509Certificate(signServerCertificate(address, fresh(2), signer));
    assert.equal(made.subjectAltName, `IP Address:${address}`);
  }
  const name = `${"a".repeat(60)}.${"b".repeat(60)}.corp`;
  assert.equal(new X509Certificate(signServerCertificate(name, fresh(2), signer)).checkHost(name), name);
});

Deno.test("a serial number is positive and of full length, whatever its bytes are", () => {
  const signer = authority("ec");
  for (const first of [0, 0x7f, 0x80, 0xff]) {
    const { serialNumber } = new X509Certificate(signServerCertificate("a", fresh(first), signer));
    assert.match(serialNumber, /^[4-7][0-9A-F]{31}$/);
  }
});

Deno.test("a key that no client would know is refused", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
  const what = { code: "invalid_argument", message: /key of type ed25519/ };
  assert.throws(() => signServerCertificate("a", fresh(1), { cert: authority("ec").cert, key }), what);
});
