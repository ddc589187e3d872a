import assert from "node:assert/strict";
import { ObjectStorage } from "../../rpc/gen/common/v2/common.ts";
import { accessOf } from "./storage_access.ts";

Deno.test("access to a storage is what the message says, and a token by either of its names", () => {
  const keys = { accessKeyId: "AKID", accessKeySecret: "s/e+c" };
  const at = { region: "eu-west-1", endpoint: "http://minio:9000" };
  assert.deepEqual(accessOf(ObjectStorage.create({ ...keys, ...at, predefinedAcl: "publicRead" })), { ...at, ...keys });
  assert.deepEqual(accessOf(ObjectStorage.create({ insecureSkipVerify: true })), { insecureSkipVerify: true });
  assert.deepEqual(accessOf(ObjectStorage.create({ securityToken: "t", sessionToken: "" })), { sessionToken: "t" });
  assert.equal(accessOf(undefined), undefined);
});

Deno.test("access that cannot be used is refused without a word of its keys", () => {
  const cases: readonly Partial<ObjectStorage>[] = [
    { accessKeyId: "secret-id" },
    { accessKeySecret: "secret-key" },
    { accessKeyId: "secret-id\r\nx: y", accessKeySecret: "secret" },
    { sessionToken: "secret".repeat(2_000) },
    { credentialPath: "/secret/gcs.json" },
  ];
  for (const message of cases) {
    assert.throws(() => accessOf(ObjectStorage.create(message)), (error: Error & { code: string }) => {
      assert.equal(error.code, "invalid_argument");
      assert.doesNotMatch(error.message, /secret-|secretsecret|gcs/);
      return true;
    });
  }
});
