import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { derOfPem } from "../../core/certificates.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { Download } from "../../rpc/gen/common/v2/common.ts";
import { testCertificates } from "../../testing/certificates.ts";
import { taskRequestOf } from "./task_request.ts";

const HEX = "ab".repeat(32);
const URL = `https://r.example/v2/app/blobs/sha256:${HEX}`;

Deno.test("a blob goes by its digest or by its URL as the message says, and is verified in both cases", () => {
  for (const enableTaskIdBasedBlobDigest of [true, false]) {
    const request = taskRequestOf(Download.create({ url: URL, enableTaskIdBasedBlobDigest }), undefined);
    assert.equal(request.taskId, enableTaskIdBasedBlobDigest ? HEX : taskIdOf({ url: URL }));
    assert.equal(request.isBlobDigestTaskId, enableTaskIdBasedBlobDigest);
    assert.equal(request.digest?.text, `sha256:${HEX}`);
  }
});

Deno.test("how the swarm cuts a content counts for a seed peer that is triggered, and for nobody else", () => {
  const cut = (changes: Partial<Download>) => {
    return taskRequestOf(Download.create({ url: URL, actualPieceLength: 4 << 20, ...changes }), undefined)
      .swarmPieceLength;
  };
  assert.deepEqual([cut({ needBackToSource: true }), cut({})], [4 << 20, undefined]);
  assert.equal(cut({ needBackToSource: true, actualPieceLength: undefined }), undefined);
});

Deno.test("authorities that come with a download are trusted for it, and what is no certificate is refused", () => {
  const pem = readFileSync(testCertificates("a").caCert, "utf8");
  const authorities = (...certificateChain: Uint8Array[]) => {
    return taskRequestOf(Download.create({ url: URL, certificateChain }), "10.0.0.1").source.authorities;
  };
  assert.deepEqual(authorities(derOfPem(pem)), [pem]);
  assert.equal(authorities(), undefined);
  assert.throws(() => authorities(new Uint8Array(9)), { code: "invalid_argument", message: /Cannot read a cert/ });
  const long = new Uint8Array(40_000);
  assert.throws(() => authorities(long, long), { code: "invalid_argument", message: /certificate_chain has 80000/ });
});
